/** Passes a run's trace on, and tells the worker of the run's end. No command of a workflow depends on this: histories
 *  that were made without it replay. */
import {
  ActivityFailure,
  ApplicationFailure,
  defaultPayloadConverter,
  TemporalFailure,
  type Headers,
} from '@temporalio/common';
import { ContinueAsNew, isCancellation, proxySinks, workflowInfo } from '@temporalio/workflow';
import type { Sinks, WorkflowInterceptors } from '@temporalio/workflow';
import { contextOf, ErrorKind, spanOfRun, TRACE_HEADER } from '../contracts/index.ts';
import type { EndedRun, RunSpan } from '../contracts/index.ts';

export interface RunSinks extends Sinks {
  readonly run: { ended(run: EndedRun): void };
}

const sinks = proxySinks<RunSinks>();

/** Temporal's bundler looks for this name. */
export function interceptors(): WorkflowInterceptors {
  let span: RunSpan | null = null;
  const traced = (headers: Headers): Headers =>
    span === null ? headers : { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(contextOf(span)) };
  return {
    inbound: [
      {
        async execute(input, next) {
          const { runId, startTime } = workflowInfo();
          const ran = (span = spanOfRun(runId, traceOf(input.headers)));
          const end = (ended: Pick<EndedRun, 'outcome' | 'kind'>): void =>
            sinks.run.ended({ ...ran, startMs: startTime.getTime(), endMs: Date.now(), ...ended });
          try {
            const result = await next(input);
            end({ outcome: 'completed', kind: null });
            return result;
          } catch (error) {
            const ended = endOf(error);
            if (ended !== null) end(ended);
            throw error;
          }
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: traced(input.headers) }),
        startChildWorkflowExecution: (input, next) => next({ ...input, headers: traced(input.headers) }),
        continueAsNew: (input, next) => next({ ...input, headers: traced(input.headers) }),
        getLogAttributes: (input, next) => next(span === null ? input : { ...input, traceId: span.traceId }),
      },
    ],
  };
}

function traceOf(headers: Headers): unknown {
  try {
    const payload = headers[TRACE_HEADER];
    return payload && defaultPayloadConverter.fromPayload(payload);
  } catch {
    // The header of a program that encrypts headers. Its run must not fail by that.
    return undefined;
  }
}

/** How an error ends the run; null for an error of the workflow's code, which does not end it: the task is tried
 *  again. */
function endOf(error: unknown): Pick<EndedRun, 'outcome' | 'kind'> | null {
  if (error instanceof ContinueAsNew) return { outcome: 'continued', kind: null };
  if (isCancellation(error)) return { outcome: 'cancelled', kind: null };
  if (!(error instanceof TemporalFailure)) return null;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return { outcome: 'failed', kind: (cause instanceof ApplicationFailure ? cause.type : null) ?? ErrorKind.unexpected };
}
