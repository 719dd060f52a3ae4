/** How a trace enters and leaves this process with Temporal's calls. */
import { context, isSpanContextValid, SpanKind, trace, type SpanContext } from '@opentelemetry/api';
import type { Context } from '@temporalio/activity';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptors } from '@temporalio/worker';
import { traceIn, withTrace } from './propagation.ts';
import { TRACER, within } from './span.ts';

/** Opens a span for each attempt of an activity, and puts its ids into the attempt's log lines. */
export function traceActivity({ info }: Context): ActivityInterceptors {
  let span: SpanContext | null = null;
  return {
    inbound: {
      execute(input, next) {
        const parent = traceIn(input.headers);
        const attributes = {
          'temporal.workflow_id': info.workflowExecution?.workflowId ?? '',
          'temporal.run_id': info.workflowExecution?.runId ?? '',
          'temporal.activity_id': info.activityId,
          'temporal.attempt': info.attempt,
        };
        const begun = trace
          .getTracer(TRACER)
          .startSpan(info.activityType, { kind: SpanKind.CONSUMER, attributes }, parent);
        const own = begun.spanContext();
        span = isSpanContextValid(own) ? own : null;
        return context.with(parent, () => within(begun, () => next(input)));
      },
    },
    outbound: {
      // Also into the lines that come after the span's end: they tell how the attempt went.
      getLogAttributes: (input, next) =>
        next(span === null ? input : { ...input, traceId: span.traceId, spanId: span.spanId }),
    },
  };
}

/** Passes the trace of whoever starts a workflow on to it. */
export const traceStart: WorkflowClientInterceptor = {
  startWithDetails(input, next) {
    const attributes = { 'temporal.workflow_id': input.options.workflowId };
    const span = trace
      .getTracer(TRACER)
      .startSpan(`start ${input.workflowType}`, { kind: SpanKind.PRODUCER, attributes });
    return within(span, () => next({ ...input, headers: withTrace(input.headers) }));
  },
};
