import { Context } from '@temporalio/activity';
import { beat } from './heartbeat.ts';

/** Least time between two signals to the workflow: each is an event in its history. */
const SIGNAL_INTERVAL_MS = 5000;
/** A longer block signals less often, so that its events grow with the logarithm of its time. */
const SIGNAL_SHARE = 0.05;

export interface ProgressReporter<T> {
  /** Heartbeats each time; signals the workflow when the last signal is old enough, or now. */
  report(progress: T, options?: { readonly now?: boolean }): void;
}

/** Tells Temporal how an activity gets on: by the details of its heartbeats, and now and then by a signal to its
 *  workflow. */
export function createProgressReporter<T extends object>(signal: string): ProgressReporter<T> {
  const context = Context.current();
  const { workflowExecution } = context.info;
  const start = Date.now();
  let last = 0;
  return {
    report(progress, { now = false } = {}) {
      beat(progress);
      const time = Date.now();
      if (!now && time - last < Math.max(SIGNAL_INTERVAL_MS, SIGNAL_SHARE * (time - start))) return;
      last = time;
      if (!workflowExecution) return;
      const { workflowId, runId } = workflowExecution;
      // A progress signal that is lost is followed by the next one; the work does not depend on it.
      context.client.workflow
        .getHandle(workflowId, runId)
        .signal(signal, progress)
        .catch(() => undefined);
    },
  };
}
