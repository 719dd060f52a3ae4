/** Traces of this process, sent by OTLP. Unless the standard variables name a collector, there are no traces, and
 *  nothing of the SDK is loaded. */
import { createContextKey, SpanKind, trace, context, type Context } from '@opentelemetry/api';
import type { IdGenerator } from '@opentelemetry/sdk-trace-node';
import { BadInput, type EndedRun } from '../contracts/index.ts';
import { codeVersion, setting } from '../system/index.ts';
import { remoteContext } from './propagation.ts';
import { fail, TRACER } from './span.ts';

export interface Tracing {
  /** Sends what is left, and waits for the collector as long as OTEL_EXPORTER_OTLP_TIMEOUT says. */
  stop(): Promise<void>;
}

/** How long a command waits for the collector at its end, when no variable says. */
const COMMAND_TIMEOUT_MS = 3000;

/** Starts to trace; null when nothing is to be traced. @param process its kind, such as "cli" or "gpu". @throws
 *  BadInput for settings that cannot be followed. */
export async function startTracing(process: string): Promise<Tracing | null> {
  const protocol = exportProtocol();
  if (protocol === null) return null;
  const [
    { NodeTracerProvider, BatchSpanProcessor, RandomIdGenerator },
    { detectResources, envDetector, resourceFromAttributes },
    { OTLPTraceExporter },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
    protocol === 'http/json'
      ? import('@opentelemetry/exporter-trace-otlp-http')
      : import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const named = setting('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT') ?? setting('OTEL_EXPORTER_OTLP_TIMEOUT');
  const exporter = new OTLPTraceExporter(
    process === 'cli' && named === undefined ? { timeoutMillis: COMMAND_TIMEOUT_MS } : {},
  );
  // The SDK's other detectors would tell the machine's name, its user, and the command's arguments, which name files.
  const resource = resourceFromAttributes({
    'service.name': `rapt-${process}`,
    'service.version': codeVersion(),
    'rapt.process': process,
  }).merge(detectResources({ detectors: [envDetector] }));
  const random = new RandomIdGenerator();
  const idGenerator: IdGenerator = {
    generateTraceId: () => chosen()?.traceId ?? random.generateTraceId(),
    generateSpanId: () => chosen()?.spanId ?? random.generateSpanId(),
  };
  const provider = new NodeTracerProvider({
    resource,
    idGenerator,
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  return { stop: () => provider.shutdown().catch(() => undefined) };
}

/** The protocol by which traces are sent; null when none are to be sent. */
function exportProtocol(): 'http/protobuf' | 'http/json' | null {
  const endpoint = setting('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? setting('OTEL_EXPORTER_OTLP_ENDPOINT');
  const exporter = setting('OTEL_TRACES_EXPORTER') ?? 'otlp';
  if (endpoint === undefined || exporter === 'none' || setting('OTEL_SDK_DISABLED')?.toLowerCase() === 'true')
    return null;
  if (exporter !== 'otlp')
    throw new BadInput([{ where: 'OTEL_TRACES_EXPORTER', problem: `must be otlp or none, not "${exporter}"` }]);
  const name =
    setting('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') === undefined
      ? 'OTEL_EXPORTER_OTLP_PROTOCOL'
      : 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
  const protocol = setting(name) ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json')
    throw new BadInput([
      {
        where: name,
        problem: `must be http/protobuf or http/json, not "${protocol}"; collectors take them on port 4318`,
      },
    ]);
  return protocol;
}

const CHOSEN = createContextKey('ids of the span that begins');
const chosen = (): EndedRun | undefined => context.active().getValue(CHOSEN) as EndedRun | undefined;

/** Records the span of a run that has ended, under the ids that its activities used while it ran. */
export function recordRun(
  run: EndedRun,
  {
    workflowType,
    workflowId,
    runId,
  }: { readonly workflowType: string; readonly workflowId: string; readonly runId: string },
): void {
  const parent: Context = run.parent === null ? context.active() : remoteContext(run.parent);
  const attributes = { 'temporal.workflow_id': workflowId, 'temporal.run_id': runId, 'rapt.outcome': run.outcome };
  const span = context.with(parent.setValue(CHOSEN, run), () =>
    trace.getTracer(TRACER).startSpan(workflowType, {
      kind: SpanKind.INTERNAL,
      root: run.parent === null,
      startTime: run.startMs,
      attributes,
    }),
  );
  if (run.kind !== null) fail(span, run.kind);
  span.end(run.endMs);
}
