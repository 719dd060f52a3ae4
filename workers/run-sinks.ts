/** What a control worker records when a run ends. */
import { Runtime, type InjectedSinks } from '@temporalio/worker';
import { metrics, recordRun } from '../telemetry/index.ts';
import type { RunSinks } from '../workflows/interceptors.ts';

/** Counts the end of a run, records its span, and logs it. */
export const runSinks: InjectedSinks<RunSinks> = {
  run: {
    ended: {
      fn({ workflowType, workflowId, runId }, run) {
        const { outcome, kind, traceId, spanId, startMs, endMs } = run;
        metrics.runs.add(1, { workflow_type: workflowType, outcome });
        recordRun(run, { workflowType, workflowId, runId });
        Runtime.instance().logger.info('run ended', {
          workflowId,
          runId,
          workflowType,
          traceId,
          spanId,
          outcome,
          kind,
          durationMs: endMs - startMs,
        });
      },
      // The end was recorded when it happened, and must not be recorded again with each replay.
      callDuringReplay: false,
    },
  },
};
