/** schedule trigger: a run now. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy, type ScheduleHandle } from '@temporalio/client';
import type { Command } from 'commander';
import { ErrorKind, RaptError } from '../../../contracts/index.ts';
import { addChange, type Changed } from './change.ts';

const TIMEOUT_MS = 10_000;
const POLL_MS = 200;

export function addTo(schedule: Command): void {
  addChange(schedule, 'trigger', 'start a run now, unless one of this schedule still runs', trigger);
}

async function trigger(handle: ScheduleHandle): Promise<Changed> {
  const run = await startedRun(handle);
  const words =
    run === null
      ? 'nothing was started, since its last run has not ended'
      : `started ${run}\n\`rapt watch ${run}\` shows it`;
  return { json: { run }, words };
}

/** Triggers the schedule and waits until the server tells which run it started; null when it started none. */
async function startedRun(handle: ScheduleHandle): Promise<string | null> {
  const before = await actionsOf(handle);
  // Its own default lets runs overlap.
  await handle.trigger(ScheduleOverlapPolicy.SKIP);
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    await sleep(POLL_MS);
    const after = await actionsOf(handle);
    if (after.runs > before.runs) return after.last;
    if (after.skipped > before.skipped) return null;
  }
  throw new RaptError(
    ErrorKind.unavailable,
    `the server has not said within ${TIMEOUT_MS / 1000} s what became of it; ` +
      '`rapt list` shows whether a run was started',
  );
}

async function actionsOf(handle: ScheduleHandle): Promise<{ runs: number; skipped: number; last: string | null }> {
  const { numActionsTaken, numActionsSkippedOverlap, recentActions } = (await handle.describe()).info;
  return {
    runs: numActionsTaken,
    skipped: numActionsSkippedOverlap,
    last: recentActions.at(-1)?.action.workflow.workflowId ?? null,
  };
}
