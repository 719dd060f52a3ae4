/** How people see what runs: traces by OpenTelemetry, metrics by the meter of Temporal's SDK. */
export { traceActivity, traceStart } from './interceptors.ts';
export {
  countReleasesFromZero,
  countRunsFromZero,
  HISTOGRAM_BUCKETS,
  metrics,
  recordMetrics,
  type Metrics,
} from './worker-metrics.ts';
export { inSpan, kindOf, openSpan, type Measures, type OpenSpan } from './span.ts';
export { recordRun, startTracing, type Tracing } from './tracing.ts';
