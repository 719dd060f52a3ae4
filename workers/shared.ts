/** What all workers have in common. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  type Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { explainConnection, requireServer } from '../infra/index.ts';
import { type Services, logLevel, metricsAddress } from '../settings/index.ts';
import { onHubNews } from '../rapt/hub/index.ts';
import { createMinioStore, type ObjectStore, type Role } from '../storage/index.ts';
import { HISTOGRAM_BUCKETS, recordMetrics, startTracing, traceActivity } from '../telemetry/index.ts';
import { dataConverter, type WhoConverts } from './data-converter.ts';
import { endOnUnheardErrors } from './last-words.ts';
import { createLogger } from './log.ts';
import { onStopSignal } from './signals.ts';

/** Heartbeats leave the process at least this often. The default of up to a minute loses the news of a checkpoint when
 *  the process is killed, and delays a cancellation by as much. */
const HEARTBEAT_THROTTLE = '500ms';
/** A stopping worker cancels its activities at once, so that they save what they have, and waits so long for them. */
const SHUTDOWN_FORCE_TIME = '90s';
/** A server that is away refuses within seconds; one that swallows what it is sent would be waited for for minutes. */
const SILENCE_MS = 15_000;

export type WorkerKind = 'control' | 'client' | 'gpu';

let installed = false;

/** Sets logging, metrics and last words up, once a process. From then on the process lives until its last connection is
 *  closed, so a worker does it only when all else has been found. @throws BadInput for settings of the environment that
 *  cannot be followed. */
export function installRuntime(): Runtime {
  if (installed) return Runtime.instance();
  installed = true;
  endOnUnheardErrors();
  const logger = createLogger(logLevel());
  const logging = { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} };
  const bindAddress = metricsAddress();
  // Signals are heard by `serve` (signals.ts): the SDK's own hearing would swallow those that come while a worker
  // starts.
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
    // Work is worth more than its figures.
    const runtime = Runtime.install({ logger, shutdownSignals, telemetryOptions: { logging } });
    logger.warn(
      `there is no page with metrics: ${bindAddress} (RAPT_METRICS_ADDRESS) is taken, or no address of this machine`,
    );
    return runtime;
  }
}

/** @throws RaptError unavailable when no Temporal server answers at the address, accessDenied when it refuses this
 *  process. */
export async function connect({ temporal }: Services): Promise<NativeConnection> {
  installRuntime();
  try {
    return await answered(NativeConnection.connect(temporal.connection), `nothing for ${SILENCE_MS / 1000} s`);
  } catch (error) {
    throw await explainConnection(error, temporal);
  }
}

/** @throws RaptError unavailable when there is neither an answer nor a failure in time. */
function answered<T>(request: Promise<T>, otherwise: string): Promise<T> {
  const silence = sleep(SILENCE_MS, undefined, { ref: false }).then(() => {
    throw new RaptError(ErrorKind.unavailable, otherwise);
  });
  return Promise.race([request, silence]);
}

export type WorkerDefaults = Omit<WorkerOptions, 'taskQueue'>;

/** Options of every worker. The identity, which the server shows, tells workers apart and nothing about their machine
 *  or user. */
export function workerDefaults(
  kind: WorkerKind,
  services: Services,
  connection: NativeConnection,
  who: WhoConverts = {},
): WorkerDefaults {
  return {
    connection,
    namespace: services.temporal.namespace,
    identity: `rapt-${kind}-${process.pid}-${randomBytes(3).toString('hex')}`,
    // What an activity is told comes from the control worker, which encrypts; a run may also be started by a form that
    // does not.
    dataConverter: dataConverter(
      services.keyring,
      services.plainPayloads ?? (kind === 'control' ? 'accept' : 'refuse'),
      who,
    ),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    interceptors: { activity: [traceActivity] },
    shutdownGraceTime: 0,
    shutdownForceTime: SHUTDOWN_FORCE_TIME,
  };
}

/** The bucket, found while a worker starts. @throws RaptError when the store is away, silent, or refuses the keys. */
export async function openStore(services: Services, role: Role): Promise<ObjectStore> {
  const options = services.storeFor(role);
  const store = createMinioStore(options);
  await answered(
    store.ensureBucket(),
    `the object store at ${options.endpoint} does not answer (nothing for ${SILENCE_MS / 1000} s); is it up and ` +
      'reachable from here?',
  );
  return store;
}

/** Makes a worker, says in one line that it is ready, and runs it until the process is told to stop. Whatever fails
 *  before it is ready ends it: a worker that cannot start must not look like one that has no work.
 *  @param beforeReady is called while the worker runs already. @param who as for `dataConverter`. */
export async function serve(
  kind: WorkerKind,
  services: Services,
  create: (defaults: WorkerDefaults) => Promise<Worker>,
  beforeReady?: (connection: NativeConnection) => Promise<void>,
  who: WhoConverts = {},
): Promise<void> {
  const tracing = await startTracing(kind);
  try {
    const connection = await connect(services);
    try {
      await requireServer(connection, services.temporal);
      onHubNews((line) => void Runtime.instance().logger.info(line));
      if (services.keyring === null)
        Runtime.instance().logger.warn(
          'payloads are not encrypted: the Temporal server can read them; see `rapt keys`',
        );
      const worker = await create(workerDefaults(kind, services, connection, who));
      const {
        connection: { address },
        namespace,
      } = services.temporal;
      const sayReady = (): void =>
        void process.stdout.write(
          `${kind} worker ready: task queue ${worker.options.taskQueue} of namespace ${namespace} at ${address}\n`,
        );
      await runUntilTold(worker, () => beforeReady?.(connection) ?? Promise.resolve(), sayReady);
    } finally {
      await connection.close();
    }
  } finally {
    await tracing?.stop();
  }
}

/** A connection can be closed only after its worker has ended, so that a worker whose start fails is stopped first. */
async function runUntilTold(worker: Worker, getReady: () => Promise<void>, sayReady: () => void): Promise<void> {
  const stop = (): void => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const running = worker.run();
  let unlisten = (): void => undefined;
  try {
    await Promise.race([running, getReady()]);
    unlisten = onStopSignal(stop);
    sayReady();
    await running;
  } catch (error) {
    stop();
    await running.catch(() => undefined);
    throw error;
  } finally {
    unlisten();
  }
}
