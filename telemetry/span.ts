/** Spans of what Rapt does. Their attributes are numbers: a text, a label or a name cannot get into one by its type. */
import { context, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ErrorKind, RaptError } from '../contracts/index.ts';

export type Measures = Readonly<Record<string, number | boolean>>;

export const TRACER = 'rapt';

export interface OpenSpan {
  measure(measures: Measures): void;
  /** @param error what the work ended with, if it failed. Only its kind is told. @param endMs when it ended, if not
   *  now. */
  end(error?: unknown, endMs?: number): void;
}

/** Opens a span below the one that is active. Without tracing it is nothing. */
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

/** Does work in a span, and ends that. */
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

/** Messages may name files and columns, and a trace goes where its collector is. */
export function fail(span: Span, kind: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', kind);
}

export function kindOf(error: unknown): string {
  if (error instanceof RaptError) return error.kind;
  if (error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError')) return 'cancelled';
  return (error instanceof ApplicationFailure ? error.type : null) ?? ErrorKind.unexpected;
}
