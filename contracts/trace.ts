/** How a trace goes on from process to process: by W3C Trace Context in a header of Temporal's. The provider can read
 *  that header; its ids are random, or those of runs. */

/** Temporal's own interceptors use this name, so that a run which another program starts is part of that program's
 *  trace. */
export const TRACE_HEADER = '_tracer-data';

export interface TraceContext {
  /** "00-<trace id>-<span id>-<flags>". */
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface RunSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Null when the run begins a trace. */
  readonly parent: TraceContext | null;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;
const SAMPLED = '01';

/** The span of a run. It depends on the run id alone, so that replays of the history agree on it, on whatever worker
 *  they happen.
 *  @param header what the run was started with. Anything that is not a trace context counts as none. */
export function spanOfRun(runId: string, header: unknown): RunSpan {
  const digits = runId.replaceAll('-', '');
  const parent = isTraceContext(header) ? header : null;
  const traceId = parent === null ? digits : TRACEPARENT.exec(parent.traceparent)![1]!;
  return { traceId, spanId: digits.slice(16), parent };
}

/** The trace context for the activities of a run. */
export function contextOf({ traceId, spanId, parent }: RunSpan): TraceContext {
  const flags = parent === null ? SAMPLED : TRACEPARENT.exec(parent.traceparent)![2]!;
  return { ...parent, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

function isTraceContext(value: unknown): value is TraceContext {
  if (typeof value !== 'object' || value === null || !('traceparent' in value)) return false;
  const { traceparent } = value;
  return (
    typeof traceparent === 'string' &&
    TRACEPARENT.test(traceparent) &&
    (!('tracestate' in value) || typeof value.tracestate === 'string')
  );
}

/** How a run's history ended. */
export const RUN_OUTCOMES = ['completed', 'failed', 'cancelled', 'continued'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** What a workflow tells its worker at its end. */
export interface EndedRun extends RunSpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: RunOutcome;
  /** The kind of the failure; null when the run did not fail. */
  readonly kind: string | null;
}
