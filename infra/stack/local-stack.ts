/** The local stack: the real servers and one worker of each kind, as processes of this machine. It is started, ended
 *  and looked at here. */
import { randomBytes } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import {
  COMPONENTS,
  localNamespace,
  logFile,
  makeStackKeys,
  makeStackOwnerKeys,
  namedTemporal,
  PREFERRED_METRICS,
  readStack,
  SERVERS,
  stackFolder,
  writeStack,
  type Component,
  type NamedTemporal,
  type StackRecord,
} from '../../settings/index.ts';
import { makeFolder, SETUP_COMMAND, withFileLock } from '../../system/index.ts';
import { explainConnection } from '../server/explain-connection.ts';
import { asError, prepareServer } from '../server/index.ts';
import { missingOf } from '../setup/index.ts';
import { end, isAlive } from './detached-process.ts';
import { launch, logSize, untilReady } from './launch.ts';
import { freePort, local, portOf } from './ports.ts';

const PREFERRED_PORT = { temporal: 7233, ui: 8233, s3: 9000, console: 9001, codec: 8234, credentials: 8235 } as const;
const BUCKET = 'rapt';
/** The system may take a while to close the port of a killed process. It is worth waiting for: clients look for the
 *  part on that port. */
const CLOSING_MS = 5000;
/** A GPU worker may be in the middle of a step, and saves a checkpoint on its way out. */
const GRACE_MS: Readonly<Record<Component, number>> = {
  temporal: 10_000,
  minio: 10_000,
  codec: 5000,
  credentials: 5000,
  control: 20_000,
  client: 60_000,
  gpu: 95_000,
};

export interface UpOptions {
  /** Tenant of the client worker. */
  readonly tenant?: string;
  /** Which parts to start. Default: all. */
  readonly components?: readonly Component[];
  readonly say?: (line: string) => void;
}

export interface ComponentStatus {
  readonly component: Component;
  readonly running: boolean;
  readonly pid: number | null;
  /** Address of a server; of a worker, the address of its page with the metrics. */
  readonly address: string | null;
  readonly log: string;
}

/** What set-up must have put in place before a part can start. A model may come from elsewhere, so it is not among
 *  these. */
const NEEDS: { readonly [component in Component]?: readonly string[] } = {
  temporal: ['temporal'],
  minio: ['minio'],
  client: ['tensorflow', 'tensorflow-binding'],
  gpu: ['tensorflow', 'tensorflow-binding'],
};

/** Requires that set-up has put in place what these parts need. @throws RaptError notFound when it has not. */
export function assertSetUp(components: readonly Component[]): void {
  const missing = missingOf(components.flatMap((component) => NEEDS[component] ?? []));
  if (missing.length > 0)
    throw new RaptError(ErrorKind.notFound, `not in place yet: ${missing.join(', ')}; run \`${SETUP_COMMAND}\` once`);
}

/** Starts the parts that do not run yet, and waits until they are ready. Ports and credentials stay those of the last
 *  time, where possible.
 *  @throws RaptError notFound when the set-up has not been done, unavailable when a part does not start. */
export async function up({ tenant = 'local', components = COMPONENTS, say }: UpOptions = {}): Promise<StackRecord> {
  assertSetUp(components);
  // A port is free until its server listens: two stacks that start at the same time would get the same port.
  return withFileLock(
    join(tmpdir(), `rapt-ports-${userInfo().uid}.lock`),
    () => startMissing(tenant, components, say),
    () => say?.('waits for another `rapt up` on this machine'),
  );
}

async function startMissing(
  tenant: string,
  components: readonly Component[],
  say: UpOptions['say'],
): Promise<StackRecord> {
  makeFolder(stackFolder(), 0o700);
  await makeStackKeys(tenant);
  let record = await planned();
  // Before the codec server starts, which reads these keys as well. A client of another Temporal server has other keys.
  if (components.includes('client') && !isAlive(record.processes.client) && namedTemporal() === null)
    makeStackOwnerKeys(tenant);
  const start = async (component: Component): Promise<void> => {
    const before = record.processes[component];
    const patienceMs = before === undefined ? 0 : CLOSING_MS;
    if (isAlive(before)) return;
    say?.(`starting ${component}`);
    // Workers come last, and by then somebody else may have a port that was free before.
    if (isWorker(component)) {
      const address = local(await freePort(Number(portOf(record.metrics[component])), patienceMs));
      record = { ...record, metrics: { ...record.metrics, [component]: address } };
    }
    const logged = logSize(component);
    const started = launch(component, record, tenant);
    record = { ...record, processes: { ...record.processes, [component]: started } };
    // Written at once: a process that is missing in the record could not be ended.
    writeStack(record);
    await untilReady(component, started, record, logged);
    if (component === 'temporal') await prepareTemporal(record.temporal.address);
  };
  // The issuer makes the bucket. Workers need the issuer and the bucket.
  for (const together of [['temporal', 'minio', 'codec'], ['credentials'], ['control', 'client', 'gpu']])
    await Promise.all(components.filter((component) => together.includes(component)).map(start));
  return record;
}

/** Ends the parts that run, workers first. Data, ports and credentials stay for the next `up`. @returns the parts that
 *  were ended. */
export async function down(components: readonly Component[] = COMPONENTS): Promise<Component[]> {
  const record = readStack();
  if (record === null) return [];
  const ended: Component[] = [];
  const stop = async (component: Component): Promise<void> => {
    const running = record.processes[component];
    if (!isAlive(running)) return;
    await end(running, GRACE_MS[component]);
    ended.push(component);
  };
  await Promise.all(components.filter((component) => !isServer(component)).map(stop));
  await Promise.all(components.filter(isServer).map(stop));
  const left = Object.entries(record.processes).filter(([, started]) => isAlive(started));
  writeStack({ ...record, processes: Object.fromEntries(left) });
  return ended;
}

/** Which parts run, and where. */
export function stackStatus(): ComponentStatus[] {
  const record = readStack();
  return COMPONENTS.map((component) => {
    const started = record?.processes[component];
    const running = isAlive(started);
    const addresses: Partial<Record<Component, string>> =
      record === null
        ? {}
        : {
            temporal: record.temporal.address,
            minio: record.s3.endpoint,
            codec: record.codecUrl,
            credentials: record.credentialsUrl,
            control: metricsUrl(record.metrics.control),
            client: metricsUrl(record.metrics.client),
            gpu: metricsUrl(record.metrics.gpu),
          };
    return {
      component,
      running,
      pid: running ? started.pid : null,
      address: addresses[component] ?? null,
      log: logFile(component),
    };
  });
}

const metricsUrl = (address: string): string => `http://${address}/metrics`;
const isWorker = (component: Component): component is keyof StackRecord['metrics'] => !isServer(component);
const isServer = (component: Component): boolean => SERVERS.includes(component);

/** The record of the stack that is to run: ports that nobody else has, and credentials that are made once. */
async function planned(): Promise<StackRecord> {
  const last = readStack();
  const port = async (component: Component, before: string | undefined, preferred: number): Promise<number> => {
    const known = before === undefined ? preferred : Number(portOf(before));
    const started = last?.processes[component];
    const patienceMs = started === undefined ? 0 : CLOSING_MS;
    return isAlive(started) ? known : freePort(known, patienceMs);
  };
  return {
    temporal: {
      address: local(await port('temporal', last?.temporal.address, PREFERRED_PORT.temporal)),
      uiUrl: `http://${local(await port('temporal', last?.temporal.uiUrl, PREFERRED_PORT.ui))}`,
    },
    s3: {
      endpoint: `http://${local(await port('minio', last?.s3.endpoint, PREFERRED_PORT.s3))}`,
      accessKey: last?.s3.accessKey ?? randomBytes(10).toString('hex'),
      secretKey: last?.s3.secretKey ?? randomBytes(20).toString('hex'),
      bucket: last?.s3.bucket ?? BUCKET,
    },
    consoleUrl: `http://${local(await port('minio', last?.consoleUrl, PREFERRED_PORT.console))}`,
    codecUrl: `http://${local(await port('codec', last?.codecUrl, PREFERRED_PORT.codec))}`,
    credentialsUrl: `http://${local(await port('credentials', last?.credentialsUrl, PREFERRED_PORT.credentials))}`,
    metrics: last?.metrics ?? PREFERRED_METRICS,
    processes: last?.processes ?? {},
  };
}

/** Prepares the stack's Temporal server like any other: an earlier version of Rapt may have made its database. */
async function prepareTemporal(address: string): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  const named: NamedTemporal = { connection: { address }, namespace: localNamespace() };
  const connection = await Connection.connect(named.connection).catch(async (error: unknown) => {
    throw await explainConnection(error, named);
  });
  try {
    const [lack] = (await prepareServer(connection, named)).lacks;
    if (lack !== undefined) throw asError(lack);
  } finally {
    await connection.close();
  }
}
