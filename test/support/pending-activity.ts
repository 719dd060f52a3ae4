/** A run's activities that have not ended, as an operator's tools see them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { decodeOptionalSinglePayload } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { TrainingProgress } from '../../contracts/index.ts';

export interface PendingActivity {
  readonly attempt: number;
  /** When the attempt that runs was started. */
  readonly startedMs: number;
  /** The progress that its last heartbeat told. */
  readonly progress: Partial<TrainingProgress>;
  readonly running: boolean;
}

/** PENDING_ACTIVITY_STATE_STARTED of the server's interface. */
const STARTED = 2;
const POLL_MS = 20;

/** An activity by its type; null when none is pending. */
export async function pendingActivity(handle: WorkflowHandle, type: string): Promise<PendingActivity | null> {
  return activityIn(handle, await handle.describe(), type);
}

/** Waits until an activity of this type is pending and fits; by default, until it runs. @throws Error when the run ends
 *  before. */
export async function untilPending(
  handle: WorkflowHandle,
  type: string,
  fits: (pending: PendingActivity) => boolean = ({ running }) => running,
): Promise<PendingActivity> {
  for (;;) {
    const description = await handle.describe();
    const pending = await activityIn(handle, description, type);
    if (pending !== null && fits(pending)) return pending;
    if (description.status.name !== 'RUNNING')
      throw new Error(`run ${handle.workflowId} ended before ${type} was as expected`);
    await sleep(POLL_MS);
  }
}

async function activityIn(
  { client }: WorkflowHandle,
  { raw }: WorkflowExecutionDescription,
  type: string,
): Promise<PendingActivity | null> {
  const found = raw.pendingActivities?.find(({ activityType }) => activityType?.name === type);
  if (!found) return null;
  const progress = await decodeOptionalSinglePayload<Partial<TrainingProgress>>(
    client.options.loadedDataConverter,
    found.heartbeatDetails?.payloads?.[0],
  );
  return {
    attempt: found.attempt ?? 1,
    startedMs: Number(found.lastStartedTime?.seconds ?? 0) * 1000 + (found.lastStartedTime?.nanos ?? 0) / 1e6,
    progress: progress ?? {},
    running: Number(found.state) === STARTED,
  };
}
