/** How a worker of any kind connects, starts, and runs until it is told to stop. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, Runtime, type Worker, type WorkerOptions } from '@temporalio/worker';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { explainConnection, requireServer } from '../infra/index.ts';
import { onHubNews } from '../rapt/hub/index.ts';
import type { Services } from '../settings/index.ts';
import { createMinioStore, type ObjectStore, type Role } from '../storage/index.ts';
import { startTracing, traceActivity } from '../telemetry/index.ts';
import { dataConverter, type WhoConverts } from './data-converter.ts';
import { installRuntime } from './runtime.ts';
import { onStopSignal } from './signals.ts';

/** Heartbeats leave the process at least this often. With the default of up to a minute, a killed process would lose
 *  the news of a checkpoint, and a cancellation would come as much later. */
const HEARTBEAT_THROTTLE = '500ms';
/** A stopping worker cancels its activities at once, so that they save what they have, and waits this long for them. */
const SHUTDOWN_FORCE_TIME = '90s';
/** How long an answer is awaited. A server that is away refuses within seconds; without this bound, a server that takes
 *  a request and stays silent would be awaited for minutes. */
const SILENCE_MS = 15_000;

export type WorkerKind = 'control' | 'client' | 'gpu';

/** Connects to Temporal. @throws RaptError unavailable when no server answers at the address, accessDenied when it
 *  refuses this process. */
export async function connect({ temporal }: Services): Promise<NativeConnection> {
  installRuntime();
  try {
    return await answered(NativeConnection.connect(temporal.connection), `nothing for ${SILENCE_MS / 1000} s`);
  } catch (error) {
    throw await explainConnection(error, temporal);
  }
}

/** Waits for a request. @throws RaptError unavailable, with the message `otherwise`, when there is neither an answer
 *  nor a failure in time. */
function answered<T>(request: Promise<T>, otherwise: string): Promise<T> {
  const silence = sleep(SILENCE_MS, undefined, { ref: false }).then(() => {
    throw new RaptError(ErrorKind.unavailable, otherwise);
  });
  return Promise.race([request, silence]);
}

export type WorkerDefaults = Omit<WorkerOptions, 'taskQueue'>;

/** Options of every worker. The identity, which the server shows, tells workers apart, but tells nothing about their
 *  machine or user. */
function workerDefaults(
  kind: WorkerKind,
  services: Services,
  connection: NativeConnection,
  who: WhoConverts = {},
): WorkerDefaults {
  return {
    connection,
    namespace: services.temporal.namespace,
    identity: `rapt-${kind}-${process.pid}-${randomBytes(3).toString('hex')}`,
    // Activities get their input from the control worker, which encrypts. The control worker itself accepts plain
    // payloads: a form that does not encrypt may start a run.
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

/** Opens the bucket while a worker starts. @throws RaptError when the store is away, silent, or refuses the keys. */
export async function openStore(services: Services, role: Role): Promise<ObjectStore> {
  const options = services.storeFor(role);
  const store = createMinioStore(options);
  const silence = `nothing for ${SILENCE_MS / 1000} s`;
  await answered(
    store.ensureBucket(),
    `the object store at ${options.endpoint} does not answer (${silence}); is it up and reachable from here?`,
  );
  return store;
}

/** Makes a worker, says in one line that it is ready, and runs it until the process is told to stop. A failure before
 *  the worker is ready ends it: a worker that cannot start must not look like one that has no work.
 *  @param beforeReady is called when the worker runs already, before the line is printed.
 *  @param who as for `dataConverter`. */
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
      const { connection: at, namespace } = services.temporal;
      const queue = `task queue ${worker.options.taskQueue} of namespace ${namespace} at ${at.address}`;
      const sayReady = (): void => void process.stdout.write(`${kind} worker ready: ${queue}\n`);
      await runUntilTold(worker, () => beforeReady?.(connection) ?? Promise.resolve(), sayReady);
    } finally {
      await connection.close();
    }
  } finally {
    await tracing?.stop();
  }
}

/** Runs a worker until the process is told to stop. A worker whose start fails is also stopped here, since its
 *  connection can be closed only after the worker has ended. */
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
