/** Activities of a run that have not ended, as an operator's tools see them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { TrainingProgress } from '../contracts/index.ts';

export interface PendingActivity {
  readonly attempt: number;
  /** When the attempt that runs was started. */
  readonly startedMs: number;
  /** What it said last. */
  readonly progress: Partial<TrainingProgress>;
  readonly running: boolean;
}

/** PENDING_ACTIVITY_STATE_STARTED of the server's interface. */
const STARTED = 2;
const POLL_MS = 20;

/** An activity by its type; null when none is pending. */
export async function pendingActivity(handle: WorkflowHandle, type: string): Promise<PendingActivity | null> {
  return activityIn(await handle.describe(), type);
}

/** Waits until an activity of this type is pending that fits: by default, one that runs. @throws when the run has ended. */
export async function untilPending(handle: WorkflowHandle, type: string, fits: (pending: PendingActivity) => boolean = ({ running }) => running): Promise<PendingActivity> {
  for (;;) {
    const description = await handle.describe();
    const pending = activityIn(description, type);
    if (pending !== null && fits(pending)) return pending;
    if (description.status.name !== 'RUNNING') throw new Error(`run ${handle.workflowId} ended before ${type} was as expected`);
    await sleep(POLL_MS);
  }
}

function activityIn({ raw }: WorkflowExecutionDescription, type: string): PendingActivity | null {
  const found = raw.pendingActivities?.find(({ activityType }) => activityType?.name === type);
  if (!found) return null;
  const [payload] = found.heartbeatDetails?.payloads ?? [];
  return {
    attempt: found.attempt ?? 1,
    startedMs: Number(found.lastStartedTime?.seconds ?? 0) * 1000 + (found.lastStartedTime?.nanos ?? 0) / 1e6,
    progress: payload ? (defaultPayloadConverter.fromPayload<Partial<TrainingProgress> | null>(payload) ?? {}) : {},
    running: Number(found.state) === STARTED,
  };
}
