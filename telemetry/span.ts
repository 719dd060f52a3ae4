/** Spans of what Rapt does. Their attributes are numbers and truth values, so that their type keeps texts, labels and
 *  names out. */
import { context, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ErrorKind, RaptError } from '../contracts/index.ts';

export type Measures = Readonly<Record<string, number | boolean>>;

export const TRACER = 'rapt';

export interface OpenSpan {
  measure(measures: Measures): void;
  /** @param error that ended the work, if it failed; the span tells only its kind. @param endMs when the work ended, if
   *  not now. */
  end(error?: unknown, endMs?: number): void;
}

/** Opens a span below the one that is active. Without tracing the span does nothing. */
export function openSpan(name: string, measures: Measures = {}, startMs?: number): OpenSpan {
  return opened(
    trace
      .getTracer(TRACER)
      .startSpan(name, { attributes: measures, ...(startMs !== undefined && { startTime: startMs }) }),
  );
}

/** Does work in a span of its own. */
export async function inSpan<T>(
  name: string,
  work: (span: OpenSpan) => Promise<T>,
  measures: Measures = {},
): Promise<T> {
  const span = trace.getTracer(TRACER).startSpan(name, { attributes: measures });
  return within(span, () => work(opened(span)));
}

/** Does work in a span, and ends the span. */
export async function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await context.with(trace.setSpan(context.active(), span), work);
    span.end();
    return result;
  } catch (error) {
    opened(span).end(error);
    throw error;
  }
}

const opened = (span: Span): OpenSpan => ({
  measure: (measures) => void span.setAttributes(measures),
  end(error, endMs) {
    if (error !== undefined) fail(span, kindOf(error));
    span.end(endMs);
  },
});

/** Marks a span as failed, by the kind of failure only: a message may name files and columns, and a trace goes to a
 *  collector elsewhere. */
export function fail(span: Span, kind: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', kind);
}

/** The kind of a failure, as metrics and traces tell it. */
export function kindOf(error: unknown): string {
  if (error instanceof RaptError) return error.kind;
  if (error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError')) return 'cancelled';
  return (error instanceof ApplicationFailure ? error.type : null) ?? ErrorKind.unexpected;
}
