/** The trace context in the headers of Temporal, on the side of clients and of activities. */
import { context, propagation, type Context } from '@opentelemetry/api';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { TRACE_HEADER, type TraceContext } from '../contracts/index.ts';

/** The same headers, with the context of the active span. Without tracing they come back as they are. */
export function withTrace(headers: Headers): Headers {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier['traceparent'] === undefined
    ? headers
    : { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) };
}

/** The context of a trace that came from elsewhere. */
export const remoteContext = (trace: TraceContext): Context => propagation.extract(context.active(), trace);

/** The context in which an activity was scheduled. Headers that cannot be read count as none. */
export function traceIn(headers: Headers): Context {
  try {
    const payload = headers[TRACE_HEADER];
    return payload === undefined
      ? context.active()
      : remoteContext(defaultPayloadConverter.fromPayload<TraceContext>(payload));
  } catch {
    return context.active();
  }
}
