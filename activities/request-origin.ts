/** Whether a request belongs to the run that sends it. Who runs Temporal may copy a request out of one run's history
 *  into another's, or send one without any run; encryption alone does not show that where a payload was encrypted
 *  without its place (see docs/operations.md). So each request names its run and its tenant, and each worker holds them
 *  against what Temporal says of the task itself. */
import { Context } from '@temporalio/activity';
import { clientQueue, ErrorKind, GPU_QUEUE, isTenantName, NOTICE_OF_RUN, RaptError } from '../contracts/index.ts';

export interface RequestOwner {
  /** Workflow id of the run or prediction that the request is of. A reset and a new history keep it. */
  readonly run: string;
  /** Absent in a request that names no tenant: the queue then says whose it is. */
  readonly tenant?: string | undefined;
  /** Sent by the run's messenger, a workflow of its own. */
  readonly isNotice?: boolean;
}

/** @param side whose queue the task must have come by. @throws RaptError badInput, which is never tried again, unless
 *  the running workflow is the one that the request names, and the queue that of its tenant. */
export function assertOwnRequest({ run, tenant, isNotice = false }: RequestOwner, side: 'client' | 'gpu'): void {
  const { workflowExecution, taskQueue } = Context.current().info;
  const asking = workflowExecution?.workflowId;
  if (asking === undefined) throw refused(`is of run ${run} and was sent by no run`);
  const asks = isNotice ? NOTICE_OF_RUN.exec(asking)?.[1] : asking;
  if (asks !== run) throw refused(`is of run ${run} and was sent by ${asking}`);
  if (tenant === undefined) return;
  if (!isTenantName(tenant)) throw refused('names a tenant with an impossible name');
  const queue = side === 'gpu' ? GPU_QUEUE : clientQueue(tenant);
  if (taskQueue !== queue) throw refused(`is of tenant ${tenant} and came by the queue ${taskQueue}`);
}

const refused = (why: string): RaptError =>
  new RaptError(ErrorKind.badInput, `this request ${why}; a run may ask for its own work alone. Start the run again`);
