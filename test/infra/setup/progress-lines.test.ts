import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../../infra/setup/progress-lines.mjs';

const PARTS = [
  { name: 'one', title: 'part one' },
  { name: 'two', title: 'part two' },
];

/** A screen with its lines as one sees them. */
function terminal(columns: number) {
  const lines: string[] = [];
  let at = 0;
  const write = (text: string): boolean => {
    const up = /^\x1b\[(\d+)A/.exec(text);
    if (up !== null) at -= Number(up[1]);
    for (const line of text
      .replace(up?.[0] ?? '', '')
      .trimEnd()
      .split('\n'))
      lines[at++] = line.replace('\x1b[2K', '');
    return true;
  };
  return { lines, write, isTTY: true, columns };
}

test('a terminal has one line a part, drawn anew', () => {
  let now = 1000;
  const screen = terminal(60);
  const progress = new Progress(screen, () => now);
  progress.begin(PARTS, (name) => (name === 'two' ? 'waits for part one' : ''));
  assert.deepEqual(
    screen.lines.map((line) => line.trimEnd()),
    ['· part one', `· part two${' '.repeat(29)}waits for part one`],
  );
  progress.start('one');
  progress.tell('one', '5 of 10 MB', 0.5);
  now = 4000;
  progress.ready('one');
  progress.start('two');
  progress.failed('two', 'a reason that is longer than what is left of the line');
  progress.end();
  assert.equal(screen.lines.length, 2);
  assert.match(screen.lines[0] ?? '', /^✓ part one +ready {2}3 s$/);
  assert.match(screen.lines[1] ?? '', /^✗ part two +a reason that/);
  assert.ok((screen.lines[1]?.length ?? 0) < 60);
});

test('a log has a line a change, and one a quarter', () => {
  let now = 0;
  let log = '';
  const progress = new Progress({ write: (text: string) => ((log += text), true) }, () => now);
  progress.begin(PARTS, () => '');
  progress.start('one');
  for (let done = 1; done <= 100; done++) {
    now = done * 100;
    progress.tell('one', `${done} of 100 MB`, done / 100);
  }
  progress.ready('one');
  progress.start('two');
  progress.failed('two', 'why');
  progress.end();
  assert.deepEqual(log.trimEnd().split('\n'), [
    'set-up: part one ...',
    'set-up: part one: 25 of 100 MB, 3 s',
    'set-up: part one: 50 of 100 MB, 5 s',
    'set-up: part one: 75 of 100 MB, 8 s',
    'set-up: part one: ready after 10 s',
    'set-up: part two ...',
    'set-up: part two: why',
  ]);
});
