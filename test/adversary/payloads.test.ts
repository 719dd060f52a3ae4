/** What the provider can do with what passes through his hands: copy it elsewhere, put one for another, read it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { createClientActivities } from '../../activities/client/index.ts';
import { assertOwnRequest } from '../../activities/client/own-request.ts';
import { createGpuActivities } from '../../activities/gpu/index.ts';
import { ErrorKind, noticeId, parseTuningConfig, RaptError, type ClientActivities, type TuningConfig } from '../../contracts/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const nothing = (): undefined => undefined;

interface Asking {
  /** Null for an activity that no workflow started. */
  readonly workflowId: string | null;
  readonly taskQueue?: string;
}

/** As an activity that is asked for so. */
function asked<T>({ workflowId, taskQueue = 'rapt-client-acme' }: Asking, body: () => T): T {
  const workflowExecution = workflowId === null ? undefined : { workflowId, runId: 'r' };
  const info = { workflowExecution, taskQueue, heartbeatDetails: undefined, currentAttemptScheduledTimestampMs: 0 };
  return asyncLocalStorage.run({ info, cancellationSignal: new AbortController().signal, heartbeat: nothing, log: { info: nothing } } as unknown as Context, body);
}

const fails = (kind: ErrorKind, said: RegExp) => (error: unknown): boolean => {
  assert.ok(error instanceof Error);
  assert.equal(error instanceof RaptError ? error.kind : (error as Error & { type?: string }).type, kind, error.stack);
  assert.match(error.message, said);
  return true;
};

function configOf(input: unknown): TuningConfig {
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  return parsed.value;
}

const config = configOf({ tenant: 'acme', data: { train: 'patients.csv' } });
const prepared = { prediction: 'asked', tenant: 'acme' } as Parameters<ClientActivities['finishPrediction']>[0]['prepared'];

describe('a request that is copied into another run, another queue, or sent by none', () => {
  const client = createClientActivities({ store: null as never, home: temporaryFolder() });
  const requests = {
    ...Object.fromEntries(['inspect', 'privatize', 'publish', 'audit', 'score', 'report', 'register'].map((name) => [name, { run: 'nightly', config }])),
    notify: { run: 'nightly' },
    preparePrediction: { prediction: 'asked', tenant: 'acme', run: 'nightly' },
    finishPrediction: { prepared },
  } as unknown as { [name in keyof ClientActivities]: never };
  const ownerOf = (name: string): string => (name === 'notify' ? noticeId('nightly', '0123abcd') : /Prediction$/.test(name) ? 'asked' : 'nightly');

  for (const name of Object.keys(client) as (keyof ClientActivities)[]) {
    it(`is refused by the client's ${name}`, async () => {
      const call = (asking: Asking): Promise<unknown> => asked(asking, () => (client[name] as (request: never) => Promise<unknown>)(requests[name]));
      await assert.rejects(call({ workflowId: 'another' }), fails(ErrorKind.badInput, /and was sent by another;/));
      await assert.rejects(call({ workflowId: null }), fails(ErrorKind.badInput, /and was sent by no run;/));
      if (name !== 'notify') await assert.rejects(call({ workflowId: ownerOf(name), taskQueue: 'rapt-client-other' }), fails(ErrorKind.badInput, /is of tenant acme and came by the queue rapt-client-other/));
      asked({ workflowId: ownerOf(name) }, () => assertOwnRequest(name, requests[name]));
    });
  }

  it('is refused of a messenger that only looks like the run\'s', () => {
    for (const workflowId of ['nightly', 'nightly-notify-', 'nightly-notify-0123abcde', 'x-nightly-notify-0123abcd', 'nightly-notify-0123abcd-notify-0123abcd'])
      assert.throws(() => asked({ workflowId }, () => assertOwnRequest('notify', requests.notify)), fails(ErrorKind.badInput, /was sent by/), workflowId);
  });

  it('is refused by a GPU worker when no run sent it, or another queue brought it', async () => {
    const gpu = createGpuActivities({ store: null as never, scratch: null as never, models: null as never });
    const request = { run: 'nightly', tenant: 'acme' } as never;
    await assert.rejects(asked({ workflowId: null, taskQueue: 'rapt-gpu' }, () => gpu.train(request)), fails(ErrorKind.badInput, /was sent by no run/));
    await assert.rejects(asked({ workflowId: 'nightly' }, () => gpu.train(request)), fails(ErrorKind.badInput, /came by the queue rapt-client-acme/));
  });
});
