/** Task queues, and the workers that ask them for work. */
import proto from '@temporalio/proto';
import { clientQueue, CONTROL_QUEUE, GPU_QUEUE, type Stage } from '../../contracts/index.ts';
import type { Link } from './connection.ts';
import type { Described } from './executions.ts';

const { TaskQueueType } = proto.temporal.api.enums.v1;
/** A worker that lives asks for work at least this often: a poll lasts a minute. */
const POLL_SECONDS = 70;

/** The queue whose worker a stage waits for. */
export const queueOf = (stage: Stage, tenant: string): string =>
  stage === 'train' || stage === 'predict' ? GPU_QUEUE : clientQueue(tenant);

/** Whether a worker asks this queue for work. A worker that has as much work as it does at a time does not ask. */
export async function hasWorker(link: Link, taskQueue: string, kind: 'workflow' | 'activity'): Promise<boolean> {
  return (await pollersOf(link, taskQueue, kind)).length > 0;
}

/** Without workers that have ended: the server remembers them for some minutes. */
async function pollersOf(
  { client, services }: Link,
  taskQueue: string,
  kind: 'workflow' | 'activity',
): Promise<proto.temporal.api.taskqueue.v1.IPollerInfo[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: services.temporal.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType:
      kind === 'workflow' ? TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW : TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  const lately = Date.now() / 1000 - POLL_SECONDS;
  return pollers.filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) > lately);
}

/** The version of the workflows to which a run is pinned, when no worker of that version asked for work lately; null
 *  when the run can go on. */
export async function abandonedVersion(link: Link, { raw }: Described): Promise<string | null> {
  const buildId = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? '';
  if (buildId === '') return null;
  const pollers = await pollersOf(link, CONTROL_QUEUE, 'workflow');
  return pollers.some(({ deploymentOptions }) => deploymentOptions?.buildId === buildId) ? null : buildId;
}
