/** What a workflow has under way: its pending activities and its own task, and why an attempt at them failed. */
import proto from '@temporalio/proto';
import { TimeoutFailure } from '@temporalio/common';
import {
  decodeOptionalFailureToOptionalError,
  decodeOptionalSinglePayload,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Link } from './connection.ts';
import type { Described } from './executions.ts';
import { readable } from './sealed-message.ts';

const { PendingActivityState, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

/** Whether a worker is at an activity of a run. */
export const isAtWork = ({ raw }: Described): boolean =>
  (raw.pendingActivities ?? []).some(({ state }) => state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED);

/** Why the last attempt at a pending activity failed; null when no activity is tried again. */
export async function failedAttempt(link: Link, { raw }: Described): Promise<string | null> {
  for (const { activityType, attempt, lastFailure } of raw.pendingActivities ?? []) {
    if (!lastFailure || (attempt ?? 0) < 2) continue;
    const error = await decodeOptionalFailureToOptionalError(link.client.options.loadedDataConverter, lastFailure);
    const reason =
      error instanceof TimeoutFailure || error === undefined ? 'its worker fell silent' : readable(error.message);
    return `${activityType?.name ?? 'activity'}: attempt ${attempt}, since the one before failed: ${reason}`;
  }
  return null;
}

/** How far back from a history's end the failure of its newest task can lie. Only the first try is written down. */
const EVENTS_BACK = 20;

/** Why the workflow itself gets no further: its task fails, and the server tries it again without end. Null when the
 *  task does not fail. */
export async function failedWorkflowTask(link: Link, { raw, workflowId }: Described): Promise<string | null> {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  if (attempt < 2) return null;
  const { client, services } = link;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: services.temporal.namespace,
    execution: { workflowId },
    maximumPageSize: EVENTS_BACK,
  });
  const failed = history?.events?.find(
    ({ workflowTaskFailedEventAttributes: found }) => found,
  )?.workflowTaskFailedEventAttributes;
  if (!failed) return `the workflow's own task got no answer from a control worker, attempt ${attempt}`;
  const error = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, failed.failure);
  const reason = error?.message ?? WorkflowTaskFailedCause[failed.cause ?? 0] ?? 'unknown reason';
  return (
    `the workflow's own task fails, attempt ${attempt}: ${reason}; \`rapt doctor\` looks for what its server lacks, ` +
    'and the log of the control worker says more'
  );
}

/** An activity that is under way, or waits for a worker. */
export interface PendingActivity {
  readonly type: string;
  /** The details of its last heartbeat; empty before the first one. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** Null when no activity is pending: the workflow itself is at work, or waits for its worker. */
export async function pendingActivity({ client }: Link, { raw }: Described): Promise<PendingActivity | null> {
  const [found] = raw.pendingActivities ?? [];
  if (!found) return null;
  const said = await decodeOptionalSinglePayload<Record<string, unknown> | null>(
    client.options.loadedDataConverter,
    found.heartbeatDetails?.payloads?.[0],
  );
  return { type: found.activityType?.name ?? 'activity', said: said ?? {} };
}
