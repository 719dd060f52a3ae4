/** The control worker. It runs workflows and nothing else, and sees configurations and references. */
import { Runtime, Worker, type NativeConnection } from '@temporalio/worker';
import { CONTROL_QUEUE, DEPLOYMENT_NAME } from '../contracts/index.ts';
import { logLevel, type Services } from '../settings/index.ts';
import { countRunsFromZero } from '../telemetry/index.ts';
import { workflowBundle } from './bundle.ts';
import { createLogger } from './log.ts';
import { promote, type Promotion, type Version } from './promotion.ts';
import { runSinks } from './run-sinks.ts';
import { serve } from './serve.ts';

const BUILD_ID_DIGITS = 12;

export interface ControlWorkerOptions {
  /** The name of this version of the workflows, such as an image's tag. Default: a digest of their sources. */
  readonly buildId?: string | undefined;
  /** Whether new runs begin on this version from now on. Default `whenNew`; with `never`, the operator who rolls out
   *  versions decides when. */
  readonly promotion?: Promotion | undefined;
}

/** A run stays on the version that it began with, so that its history always meets the code that made it. */
export async function runControlWorker(
  services: Services,
  { buildId, promotion = 'whenNew' }: ControlWorkerOptions = {},
): Promise<void> {
  const { codePath, digest } = await workflowBundle(createLogger(logLevel()));
  const version = { deploymentName: DEPLOYMENT_NAME, buildId: buildId ?? digest.slice(0, BUILD_ID_DIGITS) };
  await serve(
    'control',
    services,
    (defaults) => {
      countRunsFromZero();
      return Worker.create({
        ...defaults,
        taskQueue: CONTROL_QUEUE,
        workflowBundle: { codePath },
        sinks: runSinks,
        workerDeploymentOptions: { useWorkerVersioning: true, version, defaultVersioningBehavior: 'PINNED' },
      });
    },
    (connection) => becomeCurrent(connection, services.temporal.namespace, version, promotion),
  );
}

async function becomeCurrent(
  connection: NativeConnection,
  namespace: string,
  version: Version,
  promotion: Promotion,
): Promise<void> {
  const current = await promote(connection, namespace, version, promotion);
  if (current === null) return;
  Runtime.instance().logger.warn(
    `version ${version.buildId} was replaced by ${current}, on which new runs begin; ` +
      'this worker goes on with the runs of its own version. ' +
      'To make it the current one again, start it with --promote',
  );
}
