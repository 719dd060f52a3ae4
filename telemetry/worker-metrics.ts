/** What workers count. Labels are few and bounded: tenants, types of activities, kinds of failure. There is no label
 *  for a run or a name, and nothing of a text. */
import { noopMetricMeter, type MetricMeter } from '@temporalio/common';
import { ErrorKind, RUN_OUTCOMES, WORKFLOW_TYPE, type Guarantee } from '../contracts/index.ts';

const MECHANISMS: readonly Guarantee['mechanism'][] = ['exponential', 'laplace', 'none'];

/** The metrics under their names. The exporter adds `_total` to those of counters, and `_seconds` to those of
 *  histograms. */
function createMetrics(meter: MetricMeter) {
  return {
    /** Tokens of the user's texts that were drawn; plain tokens and rows that were taken over do not count. */
    tokensPrivatized: meter.createCounter(
      'rapt_tokens_privatized',
      undefined,
      "Tokens of users' texts for which a noisy version was drawn",
    ),
    releases: meter.createCounter(
      'rapt_releases',
      undefined,
      'Releases that are complete on the client, drawn now or found',
    ),
    activityFailures: meter.createCounter(
      'rapt_activity_failures',
      undefined,
      'Failed attempts of activities by kind of failure; RaptBudgetExceeded is a refusal for the budget',
    ),
    queueWait: meter.createHistogram(
      'rapt_queue_wait',
      'float',
      'seconds',
      'Time from when an attempt of an activity could begin to its beginning',
    ),
    runs: meter.createCounter('rapt_runs', undefined, 'Runs that ended, by outcome'),
    loss: meter.createGauge('rapt_training_loss', 'float', undefined, 'Loss of the last step'),
    trainingProgress: meter.createGauge(
      'rapt_training_progress',
      'float',
      undefined,
      'Share of the steps that are done, of the run that trained last',
    ),
    examples: meter.createCounter('rapt_training_examples', undefined, 'Rows that training has gone through'),
    step: meter.createHistogram('rapt_training_step', 'float', 'seconds', 'Time of a step of training'),
    checkpoint: meter.createHistogram(
      'rapt_checkpoint',
      'float',
      'seconds',
      'Time to store a checkpoint and to move the pointer to it',
    ),
    checkpointBytes: meter.createCounter('rapt_checkpoint_bytes', undefined, 'Bytes of checkpoints that were stored'),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of this process. They count nothing until `recordMetrics` is called. */
export let metrics: Metrics = createMetrics(noopMetricMeter);

/** Counts by this meter from now on. */
export function recordMetrics(meter: MetricMeter): void {
  metrics = createMetrics(meter);
}

/** Makes the series of runs before the first of them ends, with the count 0: Prometheus does not see the step from no
 *  series to the first one. */
export function countRunsFromZero(): void {
  for (const workflow_type of Object.values(WORKFLOW_TYPE))
    for (const outcome of RUN_OUTCOMES) metrics.runs.add(0, { workflow_type, outcome });
}

/** As `countRunsFromZero`, for releases. @param task_queue of the tenant's client workers. */
export function countReleasesFromZero(tenant: string, task_queue: string): void {
  for (const purpose of ['tuning', 'prediction'])
    for (const mechanism of MECHANISMS) {
      metrics.tokensPrivatized.add(0, { tenant, purpose, mechanism });
      for (const outcome of ['drawn', 'found']) metrics.releases.add(0, { tenant, purpose, mechanism, outcome });
    }
  for (const activity_type of ['privatize', 'preparePrediction'])
    metrics.activityFailures.add(0, { activity_type, task_queue, kind: ErrorKind.budgetExceeded });
}

/** Bounds of the buckets, in seconds. Temporal's own end at 10 s for latencies. */
export const HISTOGRAM_BUCKETS: Readonly<Record<string, number[]>> = {
  rapt_queue_wait: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200],
  rapt_training_step: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
  rapt_checkpoint: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
};
