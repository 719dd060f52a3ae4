import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { brokenFiles, isSealed } from '../../../infra/setup/seals.mjs';
import { SetUpFailed, setUp, type Component } from '../../../infra/setup/index.ts';
import { projectRoot } from '../../../system/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
let cache = '';
let printed = '';
const screen = { write: (text: string) => Boolean((printed += text)) };

beforeEach(() => {
  cache = mkdtempSync(join(folder, 'cache-'));
  process.env['RAPT_CACHE'] = cache;
  printed = '';
});

interface Made extends Component {
  times: number;
}

/** A part that is one file in the cache. */
function part(name: string, o: { after?: string[]; make?: () => Promise<void>; sha256?: string } = {}): Made {
  const path = join(cache, name);
  const files = () => [{ path, ...(o.sha256 === undefined ? {} : { sha256: o.sha256 }) }];
  const made: Made = {
    name,
    title: `part ${name}`,
    after: o.after ?? [],
    programs: [],
    fetchers: [],
    bytes: {},
    times: 0,
    isReady: () => isSealed(name, files()),
    place: () => path,
    files,
    install: async () => {
      await o.make?.();
      made.times++;
      writeFileSync(path, `content of ${name}`);
    },
  };
  return made;
}

const failure = async (running: Promise<void>): Promise<SetUpFailed> => {
  const error: unknown = await running.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SetUpFailed, String(error));
  return error;
};

test('parts that do not need each other are made side by side, the others in their order', async () => {
  const order: string[] = [];
  let met: () => void;
  const meeting = new Promise<void>((resolve) => (met = resolve));
  const first = part('first', { make: () => meeting });
  // Were they made one after the other, the first would wait for ever.
  const second = part('second', { make: () => Promise.resolve(order.push('second')).then(met) });
  const third = part('third', { after: ['first', 'second'], make: () => Promise.resolve(void order.push('third')) });
  await setUp([third, first, second], { screen });
  assert.deepEqual(order, ['second', 'third']);
  assert.ok([first, second, third].every((made) => made.isReady()));
  assert.match(printed, /set-up: part third \.\.\.\nset-up: part third: ready after \d+ s\n$/);
  printed = '';
  await setUp([third, first, second], { screen });
  assert.equal(printed, '');
});

test('one that fails leaves the others whole, and the next set-up goes on there', async () => {
  let fails = true;
  const bad = part('bad', {
    make: () => (fails ? Promise.reject(new Error('its registry is away')) : Promise.resolve()),
  });
  const good = part('good', { make: () => new Promise((resolve) => setImmediate(resolve)) });
  const later = part('later', { after: ['bad'] });
  const error = await failure(setUp([bad, good, later], { screen }));
  assert.deepEqual(error.problems, ['part bad: its registry is away']);
  assert.match(printed, /part later: not begun, since something that it needs failed/);
  assert.deepEqual([bad.times, good.times, later.times], [0, 1, 0]);
  fails = false;
  await setUp([bad, good, later], { screen });
  assert.deepEqual([bad.times, good.times, later.times], [1, 1, 1]);
});

test('a machine that cannot do it is told so before anything is made', async () => {
  const made = part('made');
  const see = (machine: object): never => ({ ...machine, processor: new Set(), glibc: null }) as never;
  const error = await failure(setUp([made], { screen, see }));
  assert.equal(error.problems.length, 2);
  assert.equal(error.hasBegun, false);
  assert.equal(made.times, 0);
  assert.deepEqual(readdirSync(cache), []);
});

test('a file that was cut short, changed or lost is made anew; one that only looks younger is not', async () => {
  const made = part('made');
  const path = made.place();
  await setUp([made], { screen });
  truncateSync(path, 5);
  await setUp([made], { screen });
  assert.equal(readFileSync(path, 'utf8'), 'content of made');
  assert.equal(made.times, 2);

  const { atime, mtime } = statSync(path);
  writeFileSync(path, 'CONTENT OF MADE');
  utimesSync(path, atime, mtime);
  assert.ok(made.isReady(), 'a look at sizes and times does not see it');
  assert.deepEqual(await brokenFiles('made', made.files()), [path]);
  await setUp([made], { screen, verify: true });
  assert.match(printed, /is not what was put there; it is made anew/);
  assert.equal(readFileSync(path, 'utf8'), 'content of made');
  assert.equal(made.times, 3);

  utimesSync(path, new Date(0), new Date(0));
  assert.ok(!made.isReady());
  await setUp([made], { screen });
  assert.ok(made.isReady());
  assert.equal(made.times, 3);
});

test('bytes that are not the pinned ones are not used', async () => {
  const made = part('made', { sha256: 'a'.repeat(64) });
  const { problems } = await failure(setUp([made], { screen }));
  assert.match(
    problems[0] ?? '',
    /^part made: .*made has SHA-256 [0-9a-f]{64} instead of the pinned a+; it was not used$/,
  );
  assert.ok(!made.isReady());
});

test('of two set-ups at once the second waits, and finds all made', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let begun: () => void = () => undefined;
  const beginning = new Promise<void>((resolve) => (begun = resolve));
  const made = part('made', { make: () => (begun(), held) });
  const one = setUp([made], { screen });
  await beginning;
  let waiting = '';
  let heard: () => void = () => undefined;
  const hearing = new Promise<void>((resolve) => (heard = resolve));
  const two = setUp([made], { screen: { write: (text: string) => ((waiting += text), heard(), true) } });
  await hearing;
  assert.equal(waiting, 'set-up: waits for another set-up on this machine\n');
  release();
  await Promise.all([one, two]);
  assert.equal(made.times, 1);
});

test('an interruption ends what has been started, and leaves nothing half', async () => {
  const script = join(folder, 'interrupted.mjs');
  const url = (path: string) => JSON.stringify(`${projectRoot}/${path}`);
  writeFileSync(
    script,
    `import { inStaging, put } from ${url('infra/setup/staging.mjs')};
import { runSetUp } from ${url('infra/setup/run-set-up.mjs')};
import { join } from 'node:path';
const path = ${JSON.stringify(join(cache, 'slow'))};
const slow = { name: 'slow', title: 'slow', after: [], programs: [], fetchers: [], bytes: {},
  isReady: () => false, place: () => path,
  files: () => [{ path }],
  install: (work) => inStaging('slow', async (folder) => {
    await work.run('sh', ['-c', 'sleep 600 & echo $!; wait'], { onLine: (line) => console.log(line) });
    put(join(folder, 'x'), path);
  }) };
process.exitCode = await runSetUp([slow], { verify: false });
`,
  );
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const grandchild = Number(line.toString());
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 130);
  assert.match(said, /set-up: interrupted; the next one goes on where this one stopped/);
  assert.ok(hasEnded(grandchild));
  assert.ok(!existsSync(join(cache, 'slow')));
  assert.deepEqual(readdirSync(join(cache, 'staging')), []);
  assert.ok(!existsSync(join(cache, 'set-up.lock')));
});

/** Also one that nobody has asked for its exit code. */
function hasEnded(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
