/** What is installed once in a worker's process before it connects: logging, metrics, and last words. */
import { makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { logLevel, metricsAddress } from '../settings/index.ts';
import { HISTOGRAM_BUCKETS, recordMetrics } from '../telemetry/index.ts';
import { endOnUnheardErrors } from './last-words.ts';
import { createLogger } from './log.ts';

let installed = false;

/** Installs logging, metrics and last words, once in a process. From then on the process lives until its last
 *  connection is closed, so a worker installs them only when everything else has been found. @throws BadInput for
 *  settings of the environment that cannot be followed. */
export function installRuntime(): Runtime {
  if (installed) return Runtime.instance();
  installed = true;
  endOnUnheardErrors();
  const logger = createLogger(logLevel());
  const logging = { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} };
  const bindAddress = metricsAddress();
  // `serve` listens to signals (signals.ts). If the SDK did, it would swallow those that come while a worker starts.
  const shutdownSignals: NodeJS.Signals[] = [];
  if (bindAddress === null) return Runtime.install({ logger, shutdownSignals, telemetryOptions: { logging } });
  const prometheus = {
    bindAddress,
    countersTotalSuffix: true,
    unitSuffix: true,
    useSecondsForDurations: true,
    histogramBucketOverrides: HISTOGRAM_BUCKETS,
  };
  try {
    const runtime = Runtime.install({
      logger,
      shutdownSignals,
      telemetryOptions: { logging, metrics: { prometheus } },
    });
    recordMetrics(runtime.metricMeter);
    return runtime;
  } catch {
    // A worker without metrics is better than none.
    const runtime = Runtime.install({ logger, shutdownSignals, telemetryOptions: { logging } });
    logger.warn(
      `there is no page with metrics: ${bindAddress} (RAPT_METRICS_ADDRESS) is taken, or no address of this machine`,
    );
    return runtime;
  }
}
