/** What all workers have in common. */
import { randomBytes } from 'node:crypto';
import { makeTelemetryFilterString, NativeConnection, Runtime, type Worker, type WorkerOptions } from '@temporalio/worker';
import { explainConnection, type Services } from '../infra/index.ts';
import { HISTOGRAM_BUCKETS, recordMetrics, startTracing, traceActivity } from '../telemetry/index.ts';
import { dataConverter } from './data-converter.ts';
import { createLogger } from './log.ts';
import { logLevel, metricsAddress } from './settings.ts';

/** Heartbeats leave the process at least this often. The default of up to a minute loses the news of a checkpoint when the process is
 *  killed, and delays a cancellation by as much. */
const HEARTBEAT_THROTTLE = '500ms';
/** A stopping worker cancels its activities at once, so that they save what they have, and waits so long for them. */
const SHUTDOWN_FORCE_TIME = '90s';

export type WorkerKind = 'control' | 'client' | 'gpu';

let installed = false;

/** Sets logging, metrics and signal handling up, once a process. SIGINT and SIGTERM let a worker finish what it has begun.
 *  @throws BadInput for settings of the environment that cannot be followed. */
export function installRuntime(): Runtime {
  if (installed) return Runtime.instance();
  installed = true;
  const logger = createLogger(logLevel());
  const logging = { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} };
  const bindAddress = metricsAddress();
  if (bindAddress === null) return Runtime.install({ logger, telemetryOptions: { logging } });
  const prometheus = { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true, histogramBucketOverrides: HISTOGRAM_BUCKETS };
  try {
    const runtime = Runtime.install({ logger, telemetryOptions: { logging, metrics: { prometheus } } });
    recordMetrics(runtime.metricMeter);
    return runtime;
  } catch {
    // Work is worth more than its figures.
    const runtime = Runtime.install({ logger, telemetryOptions: { logging } });
    logger.warn(`there is no page with metrics: ${bindAddress} (RAPT_METRICS_ADDRESS) is taken, or no address of this machine`);
    return runtime;
  }
}

/** @throws RaptError unavailable when no Temporal server answers at the address, accessDenied when it refuses this process. */
export async function connect({ temporal }: Services): Promise<NativeConnection> {
  installRuntime();
  try {
    return await NativeConnection.connect(temporal.connection);
  } catch (error) {
    throw await explainConnection(error, temporal);
  }
}

export type WorkerDefaults = Omit<WorkerOptions, 'taskQueue'>;

/** Options of every worker. The identity, which the server shows, tells workers apart and nothing about their machine or user. */
export function workerDefaults(kind: WorkerKind, services: Services, connection: NativeConnection): WorkerDefaults {
  return {
    connection,
    namespace: services.temporal.namespace,
    identity: `rapt-${kind}-${process.pid}-${randomBytes(3).toString('hex')}`,
    // What an activity is told comes from the control worker, which encrypts; a run may also be started by a form that does not.
    dataConverter: dataConverter(services.keyring, services.plainPayloads ?? (kind === 'control' ? 'accept' : 'refuse')),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    interceptors: { activity: [traceActivity] },
    shutdownGraceTime: 0,
    shutdownForceTime: SHUTDOWN_FORCE_TIME,
  };
}

/** Makes a worker, says in one line that it is ready, and runs it until the process is told to stop.
 *  @param beforeReady is called while the worker runs already. */
export async function serve(
  kind: WorkerKind,
  services: Services,
  create: (defaults: WorkerDefaults) => Promise<Worker>,
  beforeReady?: (connection: NativeConnection) => Promise<void>,
): Promise<void> {
  const tracing = await startTracing(kind);
  const connection = await connect(services);
  if (services.keyring === null) Runtime.instance().logger.warn('payloads are not encrypted: the Temporal server can read them; see `rapt keys`');
  try {
    const worker = await create(workerDefaults(kind, services, connection));
    const { connection: { address }, namespace } = services.temporal;
    const running = worker.run();
    const ready = (async () => {
      await beforeReady?.(connection);
      process.stdout.write(`${kind} worker ready: task queue ${worker.options.taskQueue} of namespace ${namespace} at ${address}\n`);
    })();
    await Promise.all([running, ready]);
  } finally {
    await connection.close();
    await tracing?.stop();
  }
}
