import { Runtime, type InjectedSinks } from '@temporalio/worker';
import { metrics, recordRun } from '../telemetry/index.ts';
import type { RunSinks } from '../workflows/interceptors.ts';

/** What a control worker makes of the end of a run. */
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
      // A history that is replayed was told of when it happened.
      callDuringReplay: false,
    },
  },
};
