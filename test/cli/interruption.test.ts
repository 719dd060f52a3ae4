/** Commands that work in their own process, interrupted: nothing stays half, and nothing is spent. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Ledger } from '../../rapt/ledger/index.ts';
import { projectRoot } from '../../system/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { eventually } from '../support/probe.ts';
import { PROGRAM } from '../support/stack.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');

test(
  'privatize that is interrupted ends with code 130, removes what it wrote, and takes its cost back',
  { timeout: 120_000 },
  async () => {
    const backbone = writeTinyModel(join(folder, 'model'));
    const table = join(folder, 'many.csv');
    // More than it does in the time that a signal needs.
    writeFileSync(table, `text\n${'w5 w6 w7 w8 w9 w10 w11 w12\n'.repeat(150_000)}`);
    const out = join(folder, 'out');
    mkdirSync(out);
    const child = spawn(
      process.execPath,
      [PROGRAM, 'privatize', '--in', table, '--out', join(out, 'noisy.csv'), '--backbone', backbone],
      { env: { ...process.env, RAPT_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const stderr = text(child.stderr);
    const ended = once(child, 'close') as Promise<[number | null]>;
    // The file is there, and empty, before its cost is counted.
    const started = (): boolean =>
      readdirSync(out).some((name) => name.endsWith('.part') && statSync(join(out, name)).size > 0);
    await Promise.race([
      eventually('something is written', 100_000, started),
      ended.then(async () => assert.fail(`it ended first: ${await stderr}`)),
    ]);
    const ledger = new Ledger(join(home, 'client', 'local'));
    assert.equal((await ledger.releases()).length, 1, 'the cost stands in the ledger before anything is drawn');
    child.kill('SIGINT');
    const [code] = await ended;
    assert.equal(code, 130);
    assert.match(await stderr, /interrupted: stops\n(.*\n)*.*interrupted; nothing was written, and nothing was spent/);
    assert.deepEqual(readdirSync(out), []);
    assert.deepEqual(await ledger.releases(), []);
  },
);

test('what hangs in the file system when a signal comes is ended all the same', { timeout: 60_000 }, async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const source = JSON.stringify(join(projectRoot, 'cli/terminal/interruption.ts'));
  const hangs = `
    import { open } from 'node:fs/promises';
    import { stoppable } from ${source};
    const hang = () => { console.log('hangs'); return open(${JSON.stringify(pipe)}); };
    void stoppable('nothing', hang, 200, 'it was late');`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', hangs], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const stderr = text(child.stderr);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [null, 'SIGINT']);
  assert.equal(await stderr, 'interrupted: stops\ninterrupted; it was late\n');
});
