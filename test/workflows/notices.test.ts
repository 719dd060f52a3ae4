/** Runs on a real server, whose client has a webhook: who listens is told each change of state, signed, and a run
 *  neither waits nor fails by it. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { atBoundary } from '../../activities/boundary.ts';
import { notify, wantNotices } from '../../activities/client/notify.ts';
import type { ClientDependencies } from '../../activities/client/index.ts';
import { untilPending } from '../support/pending-activity.ts';
import {
  BadInput,
  CONTINUE_UPDATE,
  CONTROL_QUEUE,
  ErrorKind,
  NOTIFY_WORKFLOW,
  PAUSE_UPDATE,
  WORKFLOW_TYPE,
  type ClientActivities,
  type RunState,
  type Stage,
  type TuningInput,
} from '../../contracts/index.ts';
import { runSinks } from '../../workers/run-sinks.ts';
import { simpleActivities } from './stub-activities.ts';
import { untilCancelled } from './run-paths.ts';
import { startWorkflowServer, type Activities, type WorkflowServer } from './workflow-server.ts';

interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly data: {
    readonly id: string;
    readonly runId: string;
    readonly state: RunState;
    readonly stage: Stage;
    readonly reason: string | null;
    readonly link: string | null;
    readonly report: string | null;
  };
}

interface Received {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly accepted: boolean;
}

const PLANTED = 'Kundenliste-Quartal';
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const NEXT_SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const bytesOf = (secret: string): Buffer => Buffer.from(secret.slice('whsec_'.length), 'base64');

let server: WorkflowServer;
let receiver: Server;
let dependencies: ClientDependencies;
let received: Received[] = [];
/** How a message is answered: a status, or no answer at all. */
let answer: (message: Message) => number | 'hang up' = () => 204;

before(
  async () => {
    server = await startWorkflowServer();
    receiver = createServer((request, response) => {
      void (async () => {
        const body = await text(request);
        const status = answer(JSON.parse(body) as Message);
        const headers = headersOf(request);
        received.push({ id: headers['webhook-id'] ?? '', headers, body, accepted: status === 204 });
        if (status === 'hang up') request.socket.destroy();
        else response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end(PLANTED);
      })();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?token=of-the-address`;
    dependencies = {
      webhook: { url, secrets: [bytesOf(SECRET), bytesOf(NEXT_SECRET)], uiUrl: 'https://temporal.example.org/' },
      home: '/nowhere',
      store: null as never,
    };
  },
  { timeout: 400_000 },
);
after(
  async () => {
    receiver.close();
    receiver.closeAllConnections();
    await server.stop();
  },
  { timeout: 240_000 },
);
beforeEach(() => {
  received = [];
  answer = () => 204;
});

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
const messages = (): Message[] =>
  received.filter(({ accepted }) => accepted).map(({ body }) => JSON.parse(body) as Message);
const statesOf = (told: readonly Message[]): string[] =>
  told.map(({ data: { state, stage } }) => (state === 'stage' ? stage : state));
const inStages = [
  'started',
  'privatize',
  'publish',
  'train',
  'predict',
  'audit',
  'score',
  'report',
  'register',
  'finished',
];

async function withRun(
  id: string,
  own: Partial<Activities>,
  walk: (handle: WorkflowHandle) => Promise<unknown>,
  input: TuningInput = {},
): Promise<WorkflowHandle> {
  const client = atBoundary<Pick<ClientActivities, 'inspect' | 'notify'>>('client', {
    inspect: async (request) => {
      await wantNotices(dependencies);
      return (own.inspect ?? simpleActivities.inspect)(request);
    },
    notify: (notice) => notify(dependencies, notice),
  });
  const stopActivities = await server.activityWorkers({ ...simpleActivities, ...own, ...client });
  const stopControl = await server.controlWorker('first');
  try {
    const handle = await server.client.workflow.start(WORKFLOW_TYPE.tuning, {
      workflowId: id,
      taskQueue: CONTROL_QUEUE,
      args: [input],
    });
    await walk(handle);
    return handle;
  } finally {
    await stopControl();
    await stopActivities();
  }
}

/** Waits until nothing is left at work that belongs to the run. */
async function untilNoMessenger(run: string): Promise<void> {
  for (const started = Date.now(); ;) {
    await sleep(200);
    const open: string[] = [];
    for await (const { workflowId } of server.client.workflow.list({
      query: `WorkflowType = '${NOTIFY_WORKFLOW}' AND ExecutionStatus = 'Running'`,
    }))
      if (workflowId.startsWith(`${run}-`)) open.push(workflowId);
    if (open.length === 0) return;
    assert.ok(Date.now() - started < 60_000, `${open.join()} is still there`);
  }
}

/** Waits for what is told last. */
async function untilTold(last: RunState | Stage): Promise<void> {
  while (statesOf(messages()).at(-1) !== last) await sleep(50);
}

test(
  'a receiver that fails twice is told again under the same id, in order, while the run goes on and ends',
  { timeout: 400_000 },
  async () => {
    let refusals = 0;
    let ended = false;
    answer = () => {
      if (refusals >= 2 && ended) return 204;
      return refusals++ === 0 ? 503 : 'hang up';
    };
    const handle = await withRun('told', {}, async (run) => {
      await run.result();
      assert.deepEqual(messages(), [], 'nothing was accepted while the run lasted');
      ended = true;
      await untilTold('finished');
    });
    const told = messages();
    assert.deepEqual(statesOf(told), inStages);
    for (const [at, { type, timestamp, data }] of told.entries()) {
      assert.equal(type, `run.${data.state}`);
      assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 120_000 && timestamp >= (told[at - 1]?.timestamp ?? ''));
      assert.equal(data.id, 'told');
      assert.equal(data.link, `https://temporal.example.org/namespaces/default/workflows/told/${data.runId}`);
      assert.equal(
        data.report,
        ['register', 'finished'].includes(statesOf([told[at]!])[0]!) ? 's3://rapt/report' : null,
      );
      assert.equal(data.reason, null);
      assert.deepEqual(
        Object.keys(data),
        ['id', 'runId', 'state', 'stage', 'reason', 'link', 'report'],
        'and nothing else',
      );
    }
    const tries = received.filter(({ id }) => id === received[0]!.id);
    assert.ok(tries.length >= 3, 'the first message was sent until it was accepted');
    assert.equal(new Set(tries.map(({ body }) => body)).size, 1, 'with the same bytes');
    assert.equal(new Set(received.map(({ id }) => id)).size, told.length, 'each message has an id of its own');
    for (const { headers, body } of received) {
      for (const secret of [SECRET, NEXT_SECRET]) new Webhook(secret).verify(body, headers);
      assert.throws(
        () => new Webhook(`whsec_${randomBytes(32).toString('base64')}`).verify(body, headers),
        WebhookVerificationError,
      );
      assert.throws(() => new Webhook(SECRET).verify(body.replace('told', 'tale'), headers), WebhookVerificationError);
    }
    assert.equal((await handle.describe()).status.name, 'COMPLETED');
  },
);

test('pauses and cancellations are told', { timeout: 240_000 }, async () => {
  await withRun('stopped', { train: untilCancelled }, async (run) => {
    await untilPending(run, 'train');
    await run.executeUpdate(PAUSE_UPDATE);
    await run.executeUpdate(CONTINUE_UPDATE);
    await untilPending(run, 'train');
    await run.cancel();
    await assert.rejects(run.result());
    await untilTold('cancelled');
  });
  assert.deepEqual(statesOf(messages()), [
    'started',
    'privatize',
    'publish',
    'train',
    'paused',
    'continued',
    'cancelled',
  ]);
});

test(
  'a failure is told by its kind, and neither by its message nor by what it names; so is a table that is refused',
  { timeout: 240_000 },
  async () => {
    const diverged = () => {
      throw Object.assign(
        ApplicationFailure.create({
          type: ErrorKind.diverged,
          message: `${PLANTED}: the loss is no longer a number`,
          nonRetryable: true,
        }),
        { stack: '' },
      );
    };
    const fails = async (run: WorkflowHandle): Promise<void> => {
      await assert.rejects(run.result());
      await untilTold('failed');
    };
    const input: TuningInput = { data: { train: `/srv/${PLANTED}.csv`, textColumn: PLANTED, labelColumn: PLANTED } };
    await withRun('diverged', { train: diverged }, fails, input);
    assert.equal(messages().at(-1)!.data.reason, ErrorKind.diverged);
    received = [];
    const refuse = () =>
      Promise.reject(new BadInput([{ where: 'data.train', problem: `/srv/${PLANTED}.csv does not exist` }]));
    await withRun('refused', { inspect: refuse }, fails, input);
    assert.deepEqual(
      messages().map(({ data: { state, stage, reason } }) => [state, stage, reason]),
      [
        ['started', 'validate', null],
        ['failed', 'validate', ErrorKind.badInput],
      ],
    );
    for (const { body, headers } of received)
      assert.doesNotMatch(JSON.stringify([body, headers]), new RegExp(`${PLANTED}|/srv`));
  },
);

test('a run that is ended by force is told as terminated', { timeout: 240_000 }, async () => {
  await withRun('forced', { train: untilCancelled }, async (run) => {
    await untilPending(run, 'train');
    // What a run has said is lost with it when the server has not yet passed it on.
    await untilTold('train');
    await run.terminate();
    await untilTold('terminated');
  });
  assert.deepEqual(statesOf(messages()), ['started', 'privatize', 'publish', 'train', 'terminated']);
});

test('a run that goes on in a new history, on a newer version, is told as one', { timeout: 400_000 }, async () => {
  const train: Activities['train'] = async (block) => {
    await sleep(100);
    return simpleActivities.train(block);
  };
  await withRun(
    'moved',
    { train },
    async (run) => {
      await untilPending(run, 'train');
      const stopNewer = await server.controlWorker('second');
      try {
        await run.result();
        await untilTold('finished');
        await untilNoMessenger('moved');
      } finally {
        await stopNewer();
      }
    },
    { tuning: { epochs: 50 } },
  );
  assert.deepEqual(statesOf(messages()), inStages);
  assert.equal(new Set(messages().map(({ data }) => data.runId)).size, 2);
});

test('a run that is reset begins to be told anew', { timeout: 400_000 }, async () => {
  let calls = 0;
  const train: Activities['train'] = (block) => (calls++ === 0 ? untilCancelled() : simpleActivities.train(block));
  await withRun('again', { train }, async (run) => {
    await untilPending(run, 'train');
    await untilTold('train');
    const { events } = await run.fetchHistory();
    const workflowTaskFinishEventId = events!.find(
      ({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes,
    )!.eventId!;
    await server.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: 'again' },
      reason: 'test',
      workflowTaskFinishEventId,
      requestId: 'again',
    });
    await server.client.workflow.getHandle('again').result();
    await untilTold('finished');
    await untilNoMessenger('again');
  });
  assert.deepEqual(statesOf(messages()), ['started', 'privatize', 'publish', 'train', ...inStages]);
});

test(
  'a receiver that is gone is not asked again, no redirect is followed, and no failure quotes anything',
  { timeout: 240_000 },
  async () => {
    answer = ({ data: { state } }) => (state === 'started' ? 302 : 410);
    const handle = await withRun('unwanted', {}, async (run) => {
      await run.result();
      while (received.filter(({ body }) => body.includes('run.started')).length < 2) await sleep(50);
    });
    assert.equal(received.length, 2, 'the first message is tried again, and the others wait for it');
    const { events } = await handle.fetchHistory();
    const messenger = events!.find(
      ({ childWorkflowExecutionStartedEventAttributes }) => childWorkflowExecutionStartedEventAttributes,
    )!.childWorkflowExecutionStartedEventAttributes!.workflowExecution!.workflowId!;
    const pending = JSON.stringify(
      (await server.client.workflow.getHandle(messenger).describe()).raw.pendingActivities,
    );
    assert.match(pending, /the webhook answered 302/);
    assert.doesNotMatch(pending, new RegExp(`${PLANTED}|of-the-address|127\\.0\\.0\\.1`));
    await server.client.workflow.getHandle(messenger).terminate();
  },
);

test(
  'a run whose client has no webhook has no trace of one, and the histories of those that have replay',
  { timeout: 240_000 },
  async () => {
    const traces = async (run: WorkflowHandle): Promise<number> =>
      ((await run.fetchHistory()).events ?? []).filter(
        (event) =>
          event.startChildWorkflowExecutionInitiatedEventAttributes ??
          event.signalExternalWorkflowExecutionInitiatedEventAttributes ??
          event.workflowExecutionSignaledEventAttributes,
      ).length;
    const { webhook: _, ...without } = dependencies;
    const before = dependencies;
    dependencies = without;
    const quiet = await withRun('quiet', {}, (run) => run.result()).finally(() => (dependencies = before));
    assert.equal(await traces(quiet), 0);
    assert.deepEqual(received, []);
    const told = server.client.workflow.getHandle('told');
    assert.ok((await traces(told)) > 2, 'there would be some');
    for (const id of ['told', 'stopped', 'forced']) {
      const history = await server.client.workflow.getHandle(id).fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: server.bundle, sinks: runSinks }, history, id);
    }
  },
);
