/** raptNotify: tells a webhook what becomes of a run, beside the run and after it. */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  log,
  setHandler,
  setWorkflowOptions,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { hasEnded } from '../contracts/index.ts';
import type { RunNotice } from '../contracts/index.ts';
import { clientActivities } from './activity-calls.ts';
import { handedOverSignal, noticesWantedSignal, noticeSignal } from './messages.ts';

/** A run that has been silent for this long is asked whether it still runs, and after that less and less often. */
const FIRST_QUIET_MS = 10_000;
const QUIET_FACTOR = 6;
const LONGEST_QUIET_MS = 6 * 60 * 60 * 1000;
/** Longest time between the end of a run and the request to cancel this workflow. */
const CLOSING_MS = 10_000;

export interface NotifyInput {
  readonly tenant: string;
  readonly first: RunNotice;
}

/** Delivers notices in the order in which they come, each with tries for some three quarters of an hour. This is a
 *  workflow of its own, so that a run neither waits for a receiver nor fails because of one. It ends when the run's
 *  last notice was delivered or given up. A terminated run sends no notice, but its end cancels this workflow. The end
 *  of a history after which the run goes on in a new one cancels it as well. */
export async function raptNotify({ tenant, first }: NotifyInput): Promise<void> {
  const waiting: RunNotice[] = [first];
  let closed = false;
  let handedOver = false;
  setHandler(noticeSignal, (notice) => {
    waiting.push(notice);
  });
  setHandler(handedOverSignal, () => {
    handedOver = true;
  });
  CancellationScope.current().cancelRequested.catch(() => {
    closed = true;
  });
  const { notify } = clientActivities(tenant).notices;
  await CancellationScope.nonCancellable(async () => {
    let latest = first;
    let quietMs = FIRST_QUIET_MS;
    const isDue = (): boolean => waiting.length > 0 || closed || handedOver;
    for (;;) {
      if (!(await condition(isDue, quietMs))) {
        quietMs = Math.min(LONGEST_QUIET_MS, quietMs * QUIET_FACTOR);
        // A run that is reset cancels nothing when it ends; its new execution has a messenger of its own.
        if (!(await runIsOpen()) && !(await condition(isDue, CLOSING_MS))) return;
        continue;
      }
      quietMs = FIRST_QUIET_MS;
      if (waiting.length === 0 && handedOver) return;
      latest = waiting.shift() ?? { ...latest, id: uuid4(), state: 'terminated', at: new Date().toISOString() };
      const summary = latest.state === 'stage' ? latest.stage : latest.state;
      await notify.executeWithOptions({ summary }, [latest]).catch((error: unknown) => {
        log.warn('the webhook was not told', { state: latest.state, error: String(error) });
      });
      if (hasEnded(latest.state)) return;
    }
  });
}

/** Asks the run, by a signal that tells it nothing new: a run that has ended takes no signals. */
async function runIsOpen(): Promise<boolean> {
  const { parent } = workflowInfo();
  if (!parent) return false;
  return getExternalWorkflowHandle(parent.workflowId, parent.runId)
    .signal(noticesWantedSignal)
    .then(
      () => true,
      () => false,
    );
}

// The messenger lives as long as the run, which may move to newer versions on its way.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, raptNotify);
