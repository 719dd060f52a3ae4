/** How each kind of activity is called: its queue, time limits, retries and cancellation. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityInterfaceFor, ActivityOptions } from '@temporalio/workflow';
import { clientQueue, GPU_QUEUE, NON_RETRYABLE_KINDS } from '../contracts/index.ts';
import type { ClientActivities, GpuActivities } from '../contracts/index.ts';

/** 1, 2, 4 ... 20 s between tries. Their number has no bound: a worker may be killed any number of times, and an outage
 *  may last long. A failure that does not pass is made final by the activity itself, which knows the kinds of failure
 *  (`TRIES` in contracts/errors.ts). */
const RETRY = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '20s',
  nonRetryableErrorTypes: [...NON_RETRYABLE_KINDS],
} satisfies ActivityOptions['retry'];

/** Every activity sends a heartbeat every 2 s while its worker lives. Privatizing keeps a client's event loop busy for
 *  a second or two at a time. */
const CLIENT_HEARTBEAT_TIMEOUT = '20s';
const GPU_HEARTBEAT_TIMEOUT = '8s';

/** A cancelled run ends only after its activity has ended, so that the activity saves what it has, and none works on
 *  unseen. */
const UNTIL_STOPPED = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** 2, 6, 18 ... 600 s between ten tries, three quarters of an hour in all. A receiver that has not answered by then is
 *  given up. */
const NOTICE_RETRY = {
  initialInterval: '2s',
  backoffCoefficient: 3,
  maximumInterval: '10 minutes',
  maximumAttempts: 10,
  nonRetryableErrorTypes: [...NON_RETRYABLE_KINDS],
} satisfies ActivityOptions['retry'];

export interface ClientProxies {
  readonly reading: ActivityInterfaceFor<Pick<ClientActivities, 'inspect'>>;
  readonly release: ActivityInterfaceFor<
    Pick<ClientActivities, 'privatize' | 'publish' | 'audit' | 'preparePrediction'>
  >;
  readonly results: ActivityInterfaceFor<Pick<ClientActivities, 'score' | 'report' | 'register' | 'finishPrediction'>>;
  readonly notices: ActivityInterfaceFor<Pick<ClientActivities, 'notify'>>;
}

/** Activities on the data owner's machine. `startToCloseTimeout` bounds one attempt; the missing heartbeat of a dead
 *  worker is noticed long before. */
export function clientActivities(tenant: string): ClientProxies {
  const taskQueue = clientQueue(tenant);
  return {
    /** Reads whole tables, but draws and writes nothing, so a cancelled run need not wait for it. */
    reading: proxyActivities<Pick<ClientActivities, 'inspect'>>({
      taskQueue,
      startToCloseTimeout: '6 hours',
      heartbeatTimeout: CLIENT_HEARTBEAT_TIMEOUT,
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: RETRY,
    }),
    /** Go over all rows, transfer all bytes, or attack them. */
    release: proxyActivities<Pick<ClientActivities, 'privatize' | 'publish' | 'audit' | 'preparePrediction'>>({
      taskQueue,
      startToCloseTimeout: '7 days',
      heartbeatTimeout: CLIENT_HEARTBEAT_TIMEOUT,
      cancellationType: UNTIL_STOPPED,
      retry: RETRY,
    }),
    /** Small local sums and files. */
    results: proxyActivities<Pick<ClientActivities, 'score' | 'report' | 'register' | 'finishPrediction'>>({
      taskQueue,
      startToCloseTimeout: '30 minutes',
      heartbeatTimeout: CLIENT_HEARTBEAT_TIMEOUT,
      cancellationType: UNTIL_STOPPED,
      retry: RETRY,
    }),
    /** One request to a webhook. All tries together are bounded as well, for a client that does not come back. */
    notices: proxyActivities<Pick<ClientActivities, 'notify'>>({
      taskQueue,
      startToCloseTimeout: '1 minute',
      scheduleToCloseTimeout: '1 day',
      retry: NOTICE_RETRY,
    }),
  };
}

/** Activities on any GPU worker: each attempt may land on another machine. */
export const gpuActivities = {
  /** One block of steps. Another worker takes over seconds after the last heartbeat of a killed one. */
  training: proxyActivities<Pick<GpuActivities, 'train'>>({
    taskQueue: GPU_QUEUE,
    startToCloseTimeout: '7 days',
    heartbeatTimeout: GPU_HEARTBEAT_TIMEOUT,
    cancellationType: UNTIL_STOPPED,
    retry: RETRY,
  }),
  /** Small files in and out. */
  storing: proxyActivities<Pick<GpuActivities, 'assembleAdapter'>>({
    taskQueue: GPU_QUEUE,
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: GPU_HEARTBEAT_TIMEOUT,
    cancellationType: UNTIL_STOPPED,
    retry: RETRY,
  }),
  /** The test rows of one release. */
  inference: proxyActivities<Pick<GpuActivities, 'predict'>>({
    taskQueue: GPU_QUEUE,
    startToCloseTimeout: '1 day',
    heartbeatTimeout: GPU_HEARTBEAT_TIMEOUT,
    cancellationType: UNTIL_STOPPED,
    retry: RETRY,
  }),
};
