import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModelHost } from '../../../activities/gpu/model/model-host.ts';
import type { ClassifyJob } from '../../../activities/gpu/model/protocol.ts';

const ENTRY = fileURLToPath(new URL('../../support/answering-model.ts', import.meta.url));
const job = (checkpointFolder: string | null): ClassifyJob => ({
  kind: 'classify',
  backboneFolder: '',
  releaseFolder: '',
  adapterFolder: '',
  checkpointFolder,
  outputFile: '',
});
const onMessage = (): void => undefined;
const never = new AbortController().signal;

test('a process that was killed since its job was stopped early is not given the next job', async () => {
  const host = createModelHost(ENTRY, { stallTimeoutMs: 60_000 });
  for (let turn = 0; turn < 3; turn++) {
    const stop = new AbortController();
    const stopped = host.run({ job: job(null), onMessage, signal: stop.signal });
    stop.abort();
    assert.deepEqual(await stopped, { type: 'stopped' });
    assert.equal((await host.run({ job: job('checkpoint'), onMessage, signal: never })).type, 'finished');
  }
});

test('a process that hangs is killed, and the failure says what may help', async () => {
  const host = createModelHost(ENTRY, { stallTimeoutMs: 1000 });
  await assert.rejects(host.run({ job: job(null), onMessage, signal: never }), {
    kind: 'RaptTrainerCrashed',
    message: /said nothing for 1 s before its first step; .* raise RAPT_STALL_SECONDS/,
  });
});
