/** Every path that a run can take through the workflows. Each is walked on a real server by the tests, and once to
 *  record the histories that later versions of the workflows must replay. */
import assert from 'node:assert/strict';
import { activityInfo, cancelled, Context, heartbeat, sleep as activitySleep } from '@temporalio/activity';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { untilPending } from '../support/pending-activity.ts';
import {
  CONTINUE_UPDATE,
  CONTROL_QUEUE,
  ErrorKind,
  NOTICES_WANTED_SIGNAL,
  PAUSE_UPDATE,
  PROGRESS_QUERY,
  TRAINING_PROGRESS_SIGNAL,
  WORKFLOW_TYPE,
  type RunProgress,
  type TuningInput,
  type TuningResult,
} from '../../contracts/index.ts';
import { simpleActivities } from './stub-activities.ts';
import type { Activities, WorkflowServer } from './workflow-server.ts';

export interface Path {
  readonly name: string;
  /** What the activities do other than answer at once. Called anew for each walk. */
  readonly activities?: () => Partial<Activities>;
  /** Walks the path. @returns the executions whose histories it made. */
  readonly walk: (server: WorkflowServer, id: string) => Promise<WorkflowHandle[]>;
}

const THREE_EPOCHS: TuningInput = { tuning: { epochs: 3 } };

const start = ({ client }: WorkflowServer, id: string, input: unknown = THREE_EPOCHS): Promise<WorkflowHandle> =>
  client.workflow.start(WORKFLOW_TYPE.tuning, { workflowId: id, taskQueue: CONTROL_QUEUE, args: [input] });

async function finished(handle: WorkflowHandle): Promise<TuningResult> {
  const result = (await handle.result()) as TuningResult;
  assert.equal(result.status, 'completed');
  return result;
}

async function failsWith(handle: WorkflowHandle, check: (cause: unknown) => boolean): Promise<void> {
  await assert.rejects(handle.result(), (error) => {
    assert.ok(error instanceof WorkflowFailedError);
    let cause: unknown = error.cause;
    while (cause instanceof Error && !(cause instanceof ApplicationFailure) && !(cause instanceof CancelledFailure))
      cause = cause.cause;
    return check(cause);
  });
}

async function cancels(handle: WorkflowHandle): Promise<void> {
  await handle.cancel();
  await failsWith(handle, (cause) => cause instanceof CancelledFailure);
}

const finishes: Path['walk'] = async (server, id) => {
  const handle = await start(server, id);
  await finished(handle);
  return [handle];
};

const cancelledIn =
  (activity: string): Path['walk'] =>
  async (server, id) => {
    const handle = await start(server, id);
    await untilPending(handle, activity);
    await cancels(handle);
    return [handle];
  };

const failsBy =
  (check: (cause: ApplicationFailure) => boolean, input?: unknown): Path['walk'] =>
  async (server, id) => {
    const handle = await start(server, id, input);
    await failsWith(handle, (cause) => cause instanceof ApplicationFailure && check(cause));
    return [handle];
  };

/** Works until it is cancelled, as training does. */
export async function untilCancelled(): Promise<never> {
  const beat = setInterval(() => heartbeat(), 100);
  try {
    return await cancelled();
  } finally {
    clearInterval(beat);
  }
}

/** Without a stack: it would name this machine's folders in the recorded history. */
function failure(type: ErrorKind, message: string, nonRetryable = true): ApplicationFailure {
  return Object.assign(ApplicationFailure.create({ type, message, nonRetryable }), { stack: '' });
}

const firstAttempt = (): boolean => activityInfo().attempt === 1;

export const PATHS: readonly Path[] = [
  {
    name: 'finished',
    walk: finishes,
  },
  {
    name: 'retried after an outage',
    activities: () => ({
      train: (block) => {
        if (firstAttempt() && block.untilStep === 20) throw failure(ErrorKind.unavailable, 'the store is away', false);
        return simpleActivities.train(block);
      },
    }),
    walk: finishes,
  },
  {
    name: 'retried after its worker fell silent',
    activities: () => ({
      train: async (block) => {
        // No heartbeat, as of a worker that is gone.
        if (firstAttempt() && block.untilStep === null) await activitySleep('12s').catch(() => undefined);
        return simpleActivities.train(block);
      },
    }),
    walk: finishes,
  },
  {
    name: 'cancelled while privatizing',
    activities: () => ({ privatize: untilCancelled }),
    walk: cancelledIn('privatize'),
  },
  {
    name: 'cancelled while training',
    activities: () => ({ train: untilCancelled }),
    walk: cancelledIn('train'),
  },
  {
    name: 'cancelled while its worker is gone',
    activities: () => ({
      train: async (block) => {
        await activitySleep('12s').catch(() => undefined);
        return simpleActivities.train(block);
      },
    }),
    walk: cancelledIn('train'),
  },
  {
    name: 'paused while training and continued',
    activities: () => {
      let calls = 0;
      return { train: (block) => (calls++ === 0 ? untilCancelled() : simpleActivities.train(block)) };
    },
    walk: async (server, id) => {
      const handle = await start(server, id);
      await assert.rejects(handle.executeUpdate(CONTINUE_UPDATE), /Update failed/);
      await untilPending(handle, 'train');
      const paused = await handle.executeUpdate<RunProgress, []>(PAUSE_UPDATE);
      assert.deepEqual([paused.paused, paused.stage], [true, 'train']);
      assert.deepEqual((await handle.describe()).raw.pendingActivities ?? [], [], 'nothing runs while it is paused');
      await assert.rejects(handle.executeUpdate(PAUSE_UPDATE), /Update failed/);
      await handle.executeUpdate(CONTINUE_UPDATE);
      await finished(handle);
      return [handle];
    },
  },
  {
    name: 'paused while registering',
    activities: () => ({
      // It does not look whether it is to stop, and goes on to its end.
      register: () => untilCancelled().catch(() => undefined),
    }),
    walk: async (server, id) => {
      const handle = await start(server, id);
      await untilPending(handle, 'register');
      await assert.rejects(handle.executeUpdate(PAUSE_UPDATE), ({ cause }: Error) =>
        /the run ended before it could pause/.test(String(cause)),
      );
      await finished(handle);
      const { stage, paused } = await handle.query<RunProgress>(PROGRESS_QUERY);
      assert.deepEqual([stage, paused], ['done', false]);
      return [handle];
    },
  },
  {
    name: 'cancelled while paused',
    activities: () => ({ privatize: untilCancelled }),
    walk: async (server, id) => {
      const handle = await start(server, id);
      await untilPending(handle, 'privatize');
      await handle.executeUpdate(PAUSE_UPDATE);
      await cancels(handle);
      return [handle];
    },
  },
  {
    name: 'release published again',
    activities: () => {
      let damaged = true;
      return {
        train: (block) => {
          if (damaged) throw failure(ErrorKind.releaseDamaged, 'the release is not whole in the store');
          return simpleActivities.train(block);
        },
        publish: (request) => {
          damaged = request.verify !== true;
          return simpleActivities.publish(request);
        },
      };
    },
    walk: finishes,
  },
  {
    name: 'diverged',
    activities: () => ({
      train: () => {
        throw failure(ErrorKind.diverged, 'the loss is no longer a number');
      },
    }),
    walk: failsBy(({ type }) => type === ErrorKind.diverged),
  },
  {
    name: 'refused for bad input',
    walk: failsBy(({ message }) => /colour: is not a known field/.test(message), {
      tuning: { epochs: 0 },
      colour: 'red',
    }),
  },
  {
    name: 'continued in a new history',
    activities: () => ({}),
    walk: async (server, id) => {
      const handle = await start(server, id, { tuning: { epochs: 60 } });
      const { firstExecutionRunId } = handle as WorkflowHandle & { firstExecutionRunId: string };
      // Progress of a long run: what makes a history grow.
      const noise = {
        step: 1,
        totalSteps: 600,
        epoch: 0,
        loss: 1,
        stepMs: 1,
        checkpointStep: null,
        resumed: null,
        crashes: 0,
      };
      for (let running = true; running;) {
        await Promise.all(
          Array.from({ length: 40 }, () =>
            handle.signal(TRAINING_PROGRESS_SIGNAL, noise).catch(() => (running = false)),
          ),
        );
        if ((await server.client.workflow.getHandle(id).describe()).runId !== firstExecutionRunId) running = false;
      }
      const { runId } = await server.client.workflow.getHandle(id).describe();
      assert.notEqual(runId, firstExecutionRunId, 'the run went on in a new history');
      await finished(server.client.workflow.getHandle(id));
      return [server.client.workflow.getHandle(id, firstExecutionRunId), server.client.workflow.getHandle(id, runId)];
    },
  },
  {
    name: 'reset to its beginning',
    walk: async (server, id) => {
      const handle = await start(server, id);
      await finished(handle);
      const { events } = await handle.fetchHistory();
      const firstTask = events?.find(
        ({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes,
      );
      await server.client.workflowService.resetWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: id },
        reason: 'test',
        workflowTaskFinishEventId: firstTask!.eventId!,
        requestId: id,
      });
      const again = server.client.workflow.getHandle(id);
      await finished(again);
      return [again];
    },
  },
  {
    name: 'told to a webhook',
    activities: () => ({
      inspect: async (request) => {
        const { client, info } = Context.current();
        await client.workflow.getHandle(info.workflowExecution!.workflowId).signal(NOTICES_WANTED_SIGNAL);
        return simpleActivities.inspect(request);
      },
    }),
    walk: async (server, id) => {
      const handle = await start(server, id);
      await finished(handle);
      const { events } = await handle.fetchHistory();
      const started = events?.find(
        ({ childWorkflowExecutionStartedEventAttributes }) => childWorkflowExecutionStartedEventAttributes,
      );
      const messenger = server.client.workflow.getHandle(
        started!.childWorkflowExecutionStartedEventAttributes!.workflowExecution!.workflowId!,
      );
      await messenger.result();
      return [handle, messenger];
    },
  },
  {
    name: 'predicted',
    walk: async ({ client }, id) => {
      const handle = await client.workflow.start(WORKFLOW_TYPE.predict, {
        workflowId: id,
        taskQueue: CONTROL_QUEUE,
        args: [{ run: 'x', in: '/data/in.csv', out: '/data/out.csv' }],
      });
      assert.deepEqual(await handle.result(), { rows: 3, out: '/data/out.csv', accuracy: null });
      return [handle];
    },
  },
];
