/** The shell's own work, on a stack of its own: from a table to a run, runs side by side, schedules that tune again on
 *  new rows. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TuningResult } from '../../contracts/index.ts';
import { temporalBinary } from '../../infra/setup/index.ts';
import { PROGRAM, runProgram, TestStack } from '../support/stack.ts';
import { onTerminal } from '../support/terminal.ts';
import { sentences } from './reviews.ts';

/** Of which a fifth is held out: of fewer than 20 test rows no accuracy is told. */
const ROWS = 130;
const NEW_ROWS = 16;
const stack = new TestStack();
const table = join(stack.home, 'reviews.csv');
const config = join(stack.home, 'tuning.yaml');

let address: string;

const lines = (from: number, to: number): string =>
  sentences()
    .slice(from, to)
    .map(({ text, label }, at) => `${from + at},"${text.replaceAll('"', '""')}",${label}\n`)
    .join('');

before(
  async () => {
    writeFileSync(table, `id,review,verdict\n${lines(0, ROWS)}`);
    address = (await stack.json<{ temporal: { address: string } }>(['up'])).temporal.address;
  },
  { timeout: 400_000 },
);
after(() => stack.remove(), { timeout: 400_000 });

interface ListedRun {
  readonly workflowId: string;
  readonly status: string;
  readonly stage: string;
  readonly accuracy: number;
  readonly eta: number;
}
const listed = async (...filters: string[]): Promise<ListedRun[]> =>
  (await stack.json<{ runs: ListedRun[] }>(['list', ...filters])).runs;

/** The server's index of runs and schedules lags behind by moments. */
async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let tries = 1; ; tries++) {
    const value = await read();
    if (holds(value) || tries === 15) return value;
  }
}

test('what `rapt init` writes runs as it is', { timeout: 600_000 }, async () => {
  const { proposed, cost } = await stack.json<{ proposed: { text: string; label: string }; cost: { tokens: number } }>([
    'init',
    table,
    '--out',
    config,
  ]);
  assert.deepEqual([proposed.text, proposed.label], ['review', 'verdict']);
  const first = await stack.json<TuningResult>(['run', '-f', config, '--id', 'first', '--wait']);
  assert.ok(first.metrics.test.n > 4 && first.metrics.test.n < 30);
  const { releases } = await stack.json<{ releases: { released: { tokens: number } }[] }>(['ledger']);
  assert.equal(releases[0]!.released.tokens, cost.tokens, 'as many tokens left as was said');
});

test('runs are listed, and filtered by what they did', { timeout: 400_000 }, async () => {
  const [run] = await eventually(
    () => listed(),
    (runs) => runs[0]?.status === 'completed',
  );
  const { workflowId, status, stage, eta, accuracy } = run!;
  assert.deepEqual([workflowId, status, stage, eta], ['first', 'completed', 'done', 14]);
  assert.ok(accuracy > 0 && accuracy <= 1);
  const [failed, training, here, quiet, table, wrong] = await Promise.all([
    listed('--status', 'failed'),
    listed('--stage', 'train'),
    listed('--tenant', 'local', '--stage', 'done', '--limit', '1'),
    stack.rapt('list', '--quiet'),
    stack.rapt('list'),
    stack.rapt('list', '--stage', 'trian'),
  ]);
  assert.deepEqual([failed, training, here.length], [[], [], 1]);
  assert.equal(quiet.stdout, 'first\n');
  assert.match(
    table.stdout,
    /^run +status +stage +accuracy.*\nfirst +completed +done +\d+\.\d % +14 +exponential +all-MiniLM-L6-v2 /,
  );
  assert.deepEqual([wrong.code, /Allowed choices are/.test(wrong.stderr)], [2, true]);
});

test(
  'runs are compared row by row, with what was set otherwise and whether the difference is more than chance',
  { timeout: 500_000 },
  async () => {
    await stack.json([
      'run',
      '-f',
      config,
      '--id',
      'second',
      '--set',
      'audit=false',
      '--set',
      'tuning.seed=1',
      '--wait',
    ]);
    interface Compared {
      readonly settings: Record<string, unknown[]>;
      readonly sharedRelease: boolean;
      readonly runs: { readonly accuracy: { value: number; n: number } }[];
      readonly differences: {
        readonly test: string;
        readonly rows: number;
        readonly value: number;
        readonly p: number;
        readonly moreThanChance: boolean;
        readonly low: number;
        readonly high: number;
      }[];
    }
    const [{ settings, sharedRelease, runs, differences }, { stdout }, missing] = await Promise.all([
      stack.json<Compared>(['compare', 'first', 'second']),
      stack.rapt('compare', 'first', 'second'),
      stack.rapt('compare', 'first', 'nobody'),
    ]);
    assert.deepEqual(settings['tuning.seed'], [0, 1]);
    assert.equal(sharedRelease, true);
    const [{ test: by, rows, value, p, low, high }] = differences as [Compared['differences'][number]];
    assert.deepEqual([by, rows], ['mcnemar', runs[0]!.accuracy.n]);
    assert.ok(Math.abs(value - (runs[1]!.accuracy.value - runs[0]!.accuracy.value)) < 1e-12);
    assert.ok(p > 0 && p <= 1 && low <= value && value <= high);
    assert.match(stdout, /tuning\.seed +0 +1\n/);
    assert.match(stdout, /second against first: .* by McNemar's exact test on the \d+ texts that both answered/);
    assert.deepEqual([missing.code, /there is no run nobody; `rapt list`/.test(missing.stderr)], [2, true]);
  },
);

interface Scheduled {
  readonly schedule: string;
  readonly when: string;
  readonly paused: boolean;
  readonly next: string | null;
  readonly last: string | null;
}
const schedules = async (): Promise<Scheduled[]> =>
  (await stack.json<{ schedules: Scheduled[] }>(['schedule', 'list'])).schedules;
const triggered = async (): Promise<string | null> =>
  (await stack.json<{ run: string | null }>(['schedule', 'trigger', 'weekly'])).run;
let started: string;

test(
  'a schedule starts runs, each under a name of its own, and none while one still runs',
  { timeout: 500_000 },
  async () => {
    const refused = await stack.rapt('schedule', 'create', 'weekly', '-f', config, '--daily', '04:00');
    assert.deepEqual(
      [refused.code, refused.stderr.trim()],
      [
        2,
        "data.train: is not among the tables of the owner's policy; `rapt policy allow` on the client's machine " +
          'changes that',
      ],
    );
    await stack.json(['policy', 'allow', '-f', config]);
    const created = await stack.json<Scheduled>([
      'schedule',
      'create',
      'weekly',
      '-f',
      config,
      '--set',
      'audit=false',
      '--weekly',
      'mon 03:00',
      '--time-zone',
      'Europe/Berlin',
    ]);
    const next = new Date(created.next!);
    assert.equal(
      next.toLocaleString('en', {
        timeZone: 'Europe/Berlin',
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hour12: false,
      }),
      'Mon 03:00',
    );
    const { code, stdout: kept } = await runProgram(temporalBinary(), [
      'schedule',
      'describe',
      '--schedule-id',
      'weekly',
      '--address',
      address,
      '-o',
      'json',
    ]);
    assert.deepEqual(
      [code, kept.includes('raptTuning'), kept.includes('reviews.csv')],
      [0, true, false],
      'the server keeps the configuration encrypted',
    );
    const again = await stack.rapt('schedule', 'create', 'weekly', '--daily', '04:00');
    assert.deepEqual([again.code, /weekly: is a schedule already/.test(again.stderr)], [2, true]);
    started = (await triggered())!;
    assert.match(started, /^weekly-\d{4}-\d\d-\d\dT[\d:]+Z$/);
    await stack.json(['pause', started]);
    assert.equal(await triggered(), null);
    await stack.json(['continue', started]);
    const result = await stack.json<TuningResult>(['watch', started]);
    assert.equal(result.release.reused, true, 'the table is that of the first run');
    const [shown] = await eventually(schedules, ([one]) => one?.last === started);
    assert.deepEqual(shown, {
      schedule: 'weekly',
      when: 'weekly mon 03:00, Europe/Berlin',
      paused: false,
      next: created.next,
      last: started,
    });
  },
);

test('of a table that has grown only the new rows are drawn and paid for', { timeout: 500_000 }, async () => {
  await stack.json(['ledger', 'budget', '--per-text', '14']);
  appendFileSync(table, lines(ROWS, ROWS + NEW_ROWS));
  const run = (await triggered())!;
  assert.notEqual(run, started);
  const { release } = await stack.json<TuningResult>(['watch', run]);
  assert.deepEqual([release.reused, release.takenOver], [false, ROWS]);
  interface LedgerShown {
    readonly releases: { readonly localKey: string; readonly texts: number; readonly takesOver?: string[] }[];
  }
  const [{ releases }, spent, verified] = await Promise.all([
    stack.json<LedgerShown>(['ledger']),
    stack.json<{ rows: { spent: number }[] }>(['ledger', '--in', table, '--text-column', 'review']),
    stack.rapt('verify', run),
  ]);
  assert.deepEqual(
    releases.map(({ texts }) => texts),
    [ROWS, NEW_ROWS],
  );
  assert.deepEqual(releases[1]!.takesOver, [releases[0]!.localKey]);
  assert.deepEqual(new Set(spent.rows.map(({ spent: eta }) => eta)), new Set([14]), 'no text was released twice');
  assert.equal(verified.code, 0, verified.stdout);
});

test('schedules are paused, resumed and deleted', { timeout: 400_000 }, async () => {
  await stack.json(['schedule', 'pause', 'weekly']);
  const [paused] = await eventually(schedules, ([one]) => one?.paused === true);
  assert.deepEqual([paused?.paused, paused?.next], [true, null]);
  await stack.json(['schedule', 'resume', 'weekly']);
  await stack.json(['schedule', 'delete', 'weekly']);
  assert.deepEqual(await eventually(schedules, (left) => left.length === 0), []);
  const gone = await stack.rapt('schedule', 'trigger', 'weekly');
  assert.deepEqual([gone.code, /there is no schedule weekly/.test(gone.stderr)], [2, true]);
});

test('bash completes the ids of runs', { timeout: 240_000 }, async () => {
  const bin = join(stack.home, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'rapt'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(join(bin, 'rapt'), 0o755);
  writeFileSync(join(bin, 'completion'), (await stack.rapt('completion', 'bash')).stdout);
  const env = { ...stack.environment(), PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const shown = await onTerminal(
    ['bash', '--norc', '--noprofile', '-i'],
    [
      ['[#$] ', `source '${bin}/completion' && PS1='rea''dy> '\n`],
      ['ready> ', "rapt show fir\t\x01echo 'it 'is: \x05 :end\n"],
      ['it is: .*:end', ''],
    ],
    env,
  );
  assert.match(shown, /it is: rapt show first +:end/);
});
