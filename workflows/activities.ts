/** How each class of activity is called: queue, time limits, retries, cancellation. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityInterfaceFor, ActivityOptions } from '@temporalio/workflow';
import { clientQueue, GPU_QUEUE, NON_RETRYABLE_KINDS } from '../contracts/index.ts';
import type { ClientActivities, GpuActivities } from '../contracts/index.ts';

/** 1, 2, 4 ... 60 s between tries: an outage of some 15 minutes is ridden out, after which the run fails and can be resumed. Without
 *  the bound an error that repeats would be retried for ever. */
const RETRY = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
  maximumAttempts: 20,
  nonRetryableErrorTypes: [...NON_RETRYABLE_KINDS],
} satisfies ActivityOptions['retry'];

/** A cancelled run ends only after its activity has ended, so that what it saves on the way out is saved and nothing works on unseen. */
const UNTIL_STOPPED = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

export interface ClientProxies {
  readonly reading: ActivityInterfaceFor<Pick<ClientActivities, 'inspect'>>;
  readonly release: ActivityInterfaceFor<Pick<ClientActivities, 'privatize' | 'publish' | 'preparePrediction'>>;
  readonly results: ActivityInterfaceFor<Pick<ClientActivities, 'score' | 'report' | 'register' | 'finishPrediction'>>;
}

/** Activities on the data owner's machine.
 *  `startToCloseTimeout` bounds one attempt; a worker that died is noticed by its missing heartbeat long before. */
export function clientActivities(tenant: string): ClientProxies {
  const taskQueue = clientQueue(tenant);
  return {
    /** Reads whole tables and draws or writes nothing, so a cancelled run need not wait for it. */
    reading: proxyActivities<Pick<ClientActivities, 'inspect'>>({
      taskQueue,
      startToCloseTimeout: '6 hours',
      heartbeatTimeout: '1 minute',
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: RETRY,
    }),
    /** Passes over all rows, or transfers all bytes. */
    release: proxyActivities<Pick<ClientActivities, 'privatize' | 'publish' | 'preparePrediction'>>({
      taskQueue,
      startToCloseTimeout: '7 days',
      heartbeatTimeout: '1 minute',
      cancellationType: UNTIL_STOPPED,
      retry: RETRY,
    }),
    /** Small local sums and files. */
    results: proxyActivities<Pick<ClientActivities, 'score' | 'report' | 'register' | 'finishPrediction'>>({
      taskQueue,
      startToCloseTimeout: '30 minutes',
      cancellationType: UNTIL_STOPPED,
      retry: RETRY,
    }),
  };
}

/** Activities on any GPU worker: each attempt may land on another machine. */
export const gpuActivities = {
  /** One block of steps. A worker killed without a word is replaced a minute after its last heartbeat. */
  training: proxyActivities<Pick<GpuActivities, 'train'>>({
    taskQueue: GPU_QUEUE,
    startToCloseTimeout: '7 days',
    heartbeatTimeout: '1 minute',
    cancellationType: UNTIL_STOPPED,
    retry: RETRY,
  }),
  /** Small files in and out. */
  storing: proxyActivities<Pick<GpuActivities, 'assembleAdapter'>>({
    taskQueue: GPU_QUEUE,
    startToCloseTimeout: '1 hour',
    cancellationType: UNTIL_STOPPED,
    retry: RETRY,
  }),
  /** Heartbeats come with the rows that are done; before the first the release is fetched and the model loaded. */
  inference: proxyActivities<Pick<GpuActivities, 'predict'>>({
    taskQueue: GPU_QUEUE,
    startToCloseTimeout: '1 day',
    heartbeatTimeout: '5 minutes',
    cancellationType: UNTIL_STOPPED,
    retry: RETRY,
  }),
};
