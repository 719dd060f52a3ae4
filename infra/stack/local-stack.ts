/** The local stack: the real servers and one worker of each kind, as processes of this machine. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import {
  makeStackKeys,
  makeStackOwnerKeys,
  localNamespace,
  namedTemporal,
  type NamedTemporal,
  COMPONENTS,
  logFile,
  PREFERRED_METRICS,
  readStack,
  SERVERS,
  stackFolder,
  writeStack,
  type Component,
  type StackRecord,
  type StartedProcess,
} from '../../settings/index.ts';
import { projectRoot, makeFolder, SETUP_COMMAND, withFileLock } from '../../system/index.ts';
import { minioBinary, missingOf, temporalBinary } from '../setup/index.ts';
import { explainConnection } from '../server/explain-connection.ts';
import { asError, prepareServer } from '../server/index.ts';
import { answersOn, freePort, listensOn } from './ports.ts';
import { end, isAlive, startDetached } from './detached-process.ts';

const PREFERRED_PORT = { temporal: 7233, ui: 8233, s3: 9000, console: 9001, codec: 8234, credentials: 8235 } as const;
const BUCKET = 'rapt';
const START_TIMEOUT_MS = 90_000;
const POLL_MS = 100;
/** The system may take its time to close what a killed process listened on, and clients look for it where it was. */
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
  /** Of a server; of a worker, its page with the metrics. */
  readonly address: string | null;
  readonly log: string;
}

/** What set-up must have put in place before each can start. A model may come from elsewhere. */
const NEEDS: { readonly [component in Component]?: readonly string[] } = {
  temporal: ['temporal'],
  minio: ['minio'],
  client: ['tensorflow', 'tensorflow-binding'],
  gpu: ['tensorflow', 'tensorflow-binding'],
};

/** @throws RaptError notFound when the set-up has not been done for what these are to run. */
export function assertSetUp(components: readonly Component[]): void {
  const missing = missingOf(components.flatMap((component) => NEEDS[component] ?? []));
  if (missing.length > 0)
    throw new RaptError(ErrorKind.notFound, `not in place yet: ${missing.join(', ')}; run \`${SETUP_COMMAND}\` once`);
}

/** Starts what does not run yet and waits until it answers. Ports and credentials stay those of the last time where
 *  they can.
 *  @throws RaptError notFound when the set-up has not been done, unavailable when a part does not start. */
export async function up({ tenant = 'local', components = COMPONENTS, say }: UpOptions = {}): Promise<StackRecord> {
  assertSetUp(components);
  // A port is free until its server listens: two stacks that start at once would be given the same one.
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
  // Before the codec server, which reads them as well. A client that is led to another server takes other keys.
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
    // Written at once: a process that is not in the record could not be ended.
    writeStack(record);
    await untilReady(component, started, record, logged);
    if (component === 'temporal') await prepareTemporal(record.temporal.address);
  };
  // The issuer makes the bucket; workers use both.
  for (const together of [['temporal', 'minio', 'codec'], ['credentials'], ['control', 'client', 'gpu']])
    await Promise.all(components.filter((component) => together.includes(component)).map(start));
  return record;
}

/** Ends what runs, workers first. Data, ports and credentials stay for the next `up`. @returns what was ended. */
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

/** Ports that nobody else has, and credentials made once. */
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

const local = (port: number | string): string => `127.0.0.1:${port}`;
const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

function launch(component: Component, record: StackRecord, tenant: string): StartedProcess {
  const log = logFile(component);
  const cwd = stackFolder();
  if (component === 'temporal') {
    const ports = [
      '--ip',
      '127.0.0.1',
      '--port',
      portOf(record.temporal.address),
      '--ui-port',
      portOf(record.temporal.uiUrl),
      '--ui-codec-endpoint',
      record.codecUrl,
    ];
    return startDetached(
      temporalBinary(),
      ['server', 'start-dev', ...ports, '--db-filename', join(cwd, 'temporal.db'), '--log-level', 'error'],
      { log, cwd },
    );
  }
  if (component === 'minio') {
    const { endpoint, accessKey, secretKey } = record.s3;
    const address = (url: string): string => url.replace('http://', '');
    // Credentials by the environment: arguments can be read by every user of the machine.
    const env = { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, MINIO_UPDATE: 'off' };
    return startDetached(
      minioBinary(),
      [
        'server',
        join(cwd, 'minio'),
        '--address',
        address(endpoint),
        '--console-address',
        address(record.consoleUrl),
        '--quiet',
      ],
      { log, cwd, env },
    );
  }
  const rapt = (args: readonly string[], env: NodeJS.ProcessEnv = {}): StartedProcess =>
    // From where the command is, so that relative paths mean the same to it.
    startDetached(process.execPath, [join(projectRoot, 'bin', 'rapt.mjs'), ...args], { log, cwd: process.cwd(), env });
  if (component === 'codec')
    return rapt(['codec-server', '--listen', local(portOf(record.codecUrl)), '--origin', record.temporal.uiUrl]);
  // It issues keys for the MinIO of this stack, whichever store the workers are led to.
  if (component === 'credentials') {
    const ofThisStack = { RAPT_S3_ENDPOINT: '', RAPT_S3_GRANTS_FILE: '', RAPT_S3_LENDER_FILE: '' };
    return rapt(['credential-server', '--listen', local(portOf(record.credentialsUrl))], ofThisStack);
  }
  // This stack has one control worker: runs on a version other than its own would wait for ever.
  const options = { control: ['--promote'], client: ['--tenant', tenant], gpu: [] }[component];
  return rapt(['worker', component, ...options], { RAPT_METRICS_ADDRESS: record.metrics[component] });
}

async function untilReady(
  component: Component,
  started: StartedProcess,
  record: StackRecord,
  logged: number,
): Promise<void> {
  const ready: Readonly<Record<Component, () => Promise<boolean>>> = {
    temporal: async () =>
      (await answersOn(Number(portOf(record.temporal.address)))) &&
      (await answersOn(Number(portOf(record.temporal.uiUrl)))),
    minio: () =>
      fetch(`${record.s3.endpoint}/minio/health/live`).then(
        ({ ok }) => ok,
        () => false,
      ),
    codec: () =>
      fetch(`${record.codecUrl}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    credentials: () =>
      fetch(`${record.credentialsUrl}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    control: () => saysReady('control', logged),
    client: () => saysReady('client', logged),
    gpu: () => saysReady('gpu', logged),
  };
  const port = Number(
    portOf(
      {
        temporal: record.temporal.address,
        minio: record.s3.endpoint,
        codec: record.codecUrl,
        credentials: record.credentialsUrl,
        ...record.metrics,
      }[component],
    ),
  );
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += POLL_MS) {
    // What answers there may be somebody else's.
    if ((await ready[component]()) && listensOn(started.pid, port)) return;
    if (!isAlive(started)) break;
    await sleep(POLL_MS);
  }
  throw new RaptError(
    ErrorKind.unavailable,
    `${component} did not start; its last words are in ${logFile(component)}:\n${lastLines(component)}`,
  );
}

/** As on a server of somebody else: also one that an earlier version of Rapt started gets what this one needs. */
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

function logSize(component: Component): number {
  return statSync(logFile(component), { throwIfNoEntry: false })?.size ?? 0;
}

function saysReady(component: Component, logged: number): Promise<boolean> {
  return Promise.resolve(readFileSync(logFile(component)).subarray(logged).toString('utf8').includes('worker ready'));
}

function lastLines(component: Component): string {
  return readFileSync(logFile(component), 'utf8').trimEnd().split('\n').slice(-8).join('\n');
}
