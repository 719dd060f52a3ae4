/** What a table that is privatized costs: its eta when it is there, nothing when it is not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { privatize, type PrivatizeOptions } from '../../../rapt/client/index.ts';
import { Ledger } from '../../../rapt/ledger/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { backbone, mechanismOf } from './privatizing.ts';

const folder = temporaryFolder();
const input = join(folder, 'in.csv');
writeFileSync(input, `text\n${Array.from({ length: 6000 }, (_, row) => `w${row % 400} w7 w8 w9 w10 w11\n`).join('')}`);

/** A client and a folder of outputs of its own. */
function client(name: string): {
  home: string;
  outputs: string;
  options: Omit<PrivatizeOptions, 'output'>;
  spent: () => Promise<string[]>;
} {
  const home = join(folder, name, 'home');
  const outputs = join(folder, name, 'out');
  mkdirSync(outputs, { recursive: true });
  const spent = async (): Promise<string[]> =>
    (await new Ledger(join(home, 'local')).releases()).map(({ released }) => (released === null ? 'reserved' : 'left'));
  return { home, outputs, options: { input, backbone, mechanism: mechanismOf(), home }, spent };
}

test('a table that came to nothing costs nothing, and one that is there costs its eta', async () => {
  const { outputs, options, spent } = client('stopped');
  const stop = new AbortController();
  await assert.rejects(
    privatize({
      ...options,
      output: join(outputs, 'stopped.csv'),
      signal: stop.signal,
      onProgress: () => stop.abort(),
    }),
    { name: 'AbortError' },
  );
  assert.deepEqual([readdirSync(outputs), await spent()], [[], []]);
  await privatize({ ...options, output: join(outputs, 'there.csv') });
  assert.deepEqual([readdirSync(outputs), await spent()], [['there.csv'], ['left']]);
});

test('an output that cannot be written is refused before the client keeps anything', async () => {
  const { home, outputs, options } = client('refused');
  writeFileSync(join(outputs, 'there.csv'), '');
  const told = {
    [join(outputs, 'no', 'such', 'folder.csv')]: /folder\.csv: cannot be written \(ENOENT\): its folder does not exist/,
    [join(outputs, 'there.csv', 'a.csv')]: /a\.csv: cannot be written \(ENOTDIR\)/,
    [join(outputs, 'there.csv')]: /there\.csv: exists; the guarantee covers one noisy version/,
    [join(outputs, 'a.parquet')]: /a\.parquet: must end in \.csv or \.jsonl/,
    '/proc/a.csv': /^\/proc\/a\.csv: cannot be written/,
  };
  for (const [output, message] of Object.entries(told))
    await assert.rejects(privatize({ ...options, output }), { kind: 'RaptBadInput', message });
  assert.deepEqual([existsSync(home), readdirSync(outputs)], [false, ['there.csv']]);
});

test('a try after one that was killed goes on with its payment; another table or place costs its own', async () => {
  const { home, outputs, options, spent } = client('killed');
  const output = join(outputs, 'noisy.csv');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('privatize-child.ts', import.meta.url)), home, input, output],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual([existsSync(output), await spent()], [false, ['reserved']]);
  const tables = join(home, 'local', 'tables');
  const [kept, ...others] = readdirSync(tables);
  assert.deepEqual(others, []);
  const found: string[][] = [];
  await privatize({ ...options, output, onProgress: () => found.push(readdirSync(join(tables, kept!))) });
  assert.deepEqual(
    found[0],
    [String(child.pid), String(process.pid)].sort(),
    'tables of the killed try are there for the next one',
  );
  assert.deepEqual(readdirSync(tables), [], 'and are gone with it');
  assert.deepEqual([readdirSync(outputs), await spent()], [['noisy.csv'], ['left']]);
  await privatize({ ...options, output: join(outputs, 'second.csv') });
  assert.deepEqual(await spent(), ['left', 'left']);
});

test('two that write the same file at once leave as one of them', async () => {
  const { outputs, options, spent } = client('twice');
  const both = await Promise.allSettled(
    [1, 2].map(() => privatize({ ...options, output: join(outputs, 'noisy.csv') })),
  );
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.deepEqual([readdirSync(outputs), await spent()], [['noisy.csv'], ['left']]);
});

test('rows that come while a table is read do not leave unpaid', async () => {
  const { outputs, options, spent } = client('growing');
  const growing = join(outputs, 'growing.csv');
  writeFileSync(growing, readFileSync(input));
  const grown = privatize({
    ...options,
    input: growing,
    output: join(outputs, 'noisy.csv'),
    onProgress: () => appendFileSync(growing, 'w1 w2\n'),
  });
  await assert.rejects(grown, /growing\.csv: changed while it was being privatized/);
  assert.deepEqual([readdirSync(outputs), await spent()], [['growing.csv'], []]);
});
