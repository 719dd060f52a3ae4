import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SIGNALS = fileURLToPath(new URL('../../workers/signals.ts', import.meta.url));
const PROGRAM = `
  import { onStopSignal } from ${JSON.stringify(SIGNALS)};
  setInterval(() => undefined, 1000);
  onStopSignal(() => console.log('told to stop'));
  console.log('listens');
`;

test('the first signal asks to stop, its repetition does nothing, and a later one ends the process', async () => {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', PROGRAM],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  let said = '';
  const heard = new Promise<void>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('listens')) child.kill('SIGINT');
      if (said.includes('told to stop')) resolve();
    }),
  );
  await heard;
  child.kill('SIGINT');
  child.kill('SIGTERM');
  await sleep(2000);
  assert.deepEqual([child.exitCode, child.signalCode, said], [null, null, 'listens\ntold to stop\n']);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [null, 'SIGTERM']);
});
