/** Starts one part of the local stack, and waits until it is ready. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { logFile, stackFolder, type Component, type StackRecord, type StartedProcess } from '../../settings/index.ts';
import { projectRoot } from '../../system/index.ts';
import { minioBinary, temporalBinary } from '../setup/index.ts';
import { isAlive, startDetached } from './detached-process.ts';
import { answersOn, listensOn, local, portOf } from './ports.ts';

const START_TIMEOUT_MS = 90_000;
const POLL_MS = 100;

/** Starts a part as a process of its own. */
export function launch(component: Component, record: StackRecord, tenant: string): StartedProcess {
  if (component === 'temporal') return launchTemporal(record);
  if (component === 'minio') return launchMinio(record);
  if (component === 'codec') {
    const listen = local(portOf(record.codecUrl));
    return launchRapt(component, ['codec-server', '--listen', listen, '--origin', record.temporal.uiUrl]);
  }
  if (component === 'credentials') {
    // It issues keys for the MinIO of this stack, whichever store the workers use.
    const ofThisStack = { RAPT_S3_ENDPOINT: '', RAPT_S3_GRANTS_FILE: '', RAPT_S3_LENDER_FILE: '' };
    const listen = local(portOf(record.credentialsUrl));
    return launchRapt(component, ['credential-server', '--listen', listen], ofThisStack);
  }
  // This stack has one control worker: runs on a version other than its own would wait for ever.
  const options = { control: ['--promote'], client: ['--tenant', tenant], gpu: [] }[component];
  return launchRapt(component, ['worker', component, ...options], { RAPT_METRICS_ADDRESS: record.metrics[component] });
}

function launchTemporal({ temporal: { address, uiUrl }, codecUrl }: StackRecord): StartedProcess {
  const cwd = stackFolder();
  const ports = ['--ip', '127.0.0.1', '--port', portOf(address), '--ui-port', portOf(uiUrl)];
  const options = ['--ui-codec-endpoint', codecUrl, '--db-filename', join(cwd, 'temporal.db'), '--log-level', 'error'];
  return startDetached(temporalBinary(), ['server', 'start-dev', ...ports, ...options], {
    log: logFile('temporal'),
    cwd,
  });
}

function launchMinio({ s3: { endpoint, accessKey, secretKey }, consoleUrl }: StackRecord): StartedProcess {
  const cwd = stackFolder();
  const addressOf = (url: string): string => url.replace('http://', '');
  const addresses = ['--address', addressOf(endpoint), '--console-address', addressOf(consoleUrl)];
  // Keys go by the environment: every user of the machine can read arguments.
  const env = { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, MINIO_UPDATE: 'off' };
  return startDetached(minioBinary(), ['server', join(cwd, 'minio'), ...addresses, '--quiet'], {
    log: logFile('minio'),
    cwd,
    env,
  });
}

/** Starts Rapt's own command. It runs in the folder of this one, so that relative paths mean the same to it. */
function launchRapt(component: Component, args: readonly string[], env: NodeJS.ProcessEnv = {}): StartedProcess {
  return startDetached(process.execPath, [join(projectRoot, 'bin', 'rapt.mjs'), ...args], {
    log: logFile(component),
    cwd: process.cwd(),
    env,
  });
}

/** Waits until a part is ready. @param logged size of its log before it was started. @throws RaptError unavailable when
 *  it does not start. */
export async function untilReady(
  component: Component,
  started: StartedProcess,
  record: StackRecord,
  logged: number,
): Promise<void> {
  const port = Number(portOf(addressOf(component, record)));
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += POLL_MS) {
    // Whatever answers there may be somebody else's.
    if ((await isReady(component, record, logged)) && listensOn(started.pid, port)) return;
    if (!isAlive(started)) break;
    await sleep(POLL_MS);
  }
  throw new RaptError(
    ErrorKind.unavailable,
    `${component} did not start; its last words are in ${logFile(component)}:\n${lastLines(component)}`,
  );
}

/** The address on which a part listens. */
function addressOf(component: Component, record: StackRecord): string {
  return {
    temporal: record.temporal.address,
    minio: record.s3.endpoint,
    codec: record.codecUrl,
    credentials: record.credentialsUrl,
    ...record.metrics,
  }[component];
}

async function isReady(component: Component, record: StackRecord, logged: number): Promise<boolean> {
  const { temporal, s3, codecUrl, credentialsUrl } = record;
  switch (component) {
    case 'temporal':
      return (await answersOn(Number(portOf(temporal.address)))) && answersOn(Number(portOf(temporal.uiUrl)));
    case 'minio':
      return isOk(`${s3.endpoint}/minio/health/live`);
    case 'codec':
      return isOk(`${codecUrl}/health`);
    case 'credentials':
      return isOk(`${credentialsUrl}/health`);
    default:
      return saysReady(component, logged);
  }
}

const isOk = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** Size of a part's log; 0 when there is none. */
export function logSize(component: Component): number {
  return statSync(logFile(component), { throwIfNoEntry: false })?.size ?? 0;
}

function saysReady(component: Component, logged: number): boolean {
  return readFileSync(logFile(component)).subarray(logged).toString('utf8').includes('worker ready');
}

function lastLines(component: Component): string {
  return readFileSync(logFile(component), 'utf8').trimEnd().split('\n').slice(-8).join('\n');
}
