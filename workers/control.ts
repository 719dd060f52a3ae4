/** The control worker: workflows, nothing else. It sees configurations and references. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Runtime, Worker, type NativeConnection } from '@temporalio/worker';
import { CONTROL_QUEUE, DEPLOYMENT_NAME, ErrorKind, RaptError } from '../contracts/index.ts';
import type { Services } from '../infra/index.ts';
import { countRunsFromZero } from '../telemetry/index.ts';
import { workflowBundle } from './bundle.ts';
import { runSinks } from './run-sinks.ts';
import { installRuntime, serve } from './shared.ts';

const BUILD_ID_DIGITS = 12;
/** Time in which a version that has begun to poll is known to the server. */
const REGISTRATION_TIMEOUT_MS = 30_000;

export interface ControlWorkerOptions {
  /** Names this version of the workflows, such as an image's tag. Default: a digest of their sources. */
  readonly buildId?: string | undefined;
  /** Whether new runs begin on this version from now on. Default true; without it, whoever rolls out a version says when. */
  readonly promote?: boolean | undefined;
}

/** A run stays on the version that it began with, so that its history always meets the code that made it. */
export async function runControlWorker(services: Services, { buildId, promote = true }: ControlWorkerOptions = {}): Promise<void> {
  installRuntime();
  countRunsFromZero();
  const { codePath, digest } = await workflowBundle(Runtime.instance().logger);
  const version = { deploymentName: DEPLOYMENT_NAME, buildId: buildId ?? digest.slice(0, BUILD_ID_DIGITS) };
  await serve(
    'control',
    services,
    (defaults) =>
      Worker.create({
        ...defaults,
        taskQueue: CONTROL_QUEUE,
        workflowBundle: { codePath },
        sinks: runSinks,
        workerDeploymentOptions: { useWorkerVersioning: true, version, defaultVersioningBehavior: 'PINNED' },
      }),
    promote ? (connection) => makeCurrent(connection, services.temporal.namespace, version) : undefined,
  );
}

/** New runs, and those that go on in a new history, begin on the current version. The server learns of a version by its worker's first poll. */
export async function makeCurrent(connection: NativeConnection, namespace: string, { deploymentName, buildId }: { deploymentName: string; buildId: string }): Promise<void> {
  const deadline = Date.now() + REGISTRATION_TIMEOUT_MS;
  for (;;) {
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId, identity: `rapt-control-${process.pid}` });
      return;
    } catch (cause) {
      if (Date.now() > deadline)
        throw new RaptError(ErrorKind.unavailable, `Temporal does not take version ${buildId} of the workflows for the current one; see \`temporal worker deployment describe --name ${deploymentName}\``, { cause });
      await sleep(200);
    }
  }
}
