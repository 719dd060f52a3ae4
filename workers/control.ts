/** The control worker: workflows, nothing else. It sees configurations and references. */
import { Runtime, Worker } from '@temporalio/worker';
import { CONTROL_QUEUE } from '../contracts/index.ts';
import type { Services } from '../infra/index.ts';
import { workflowBundle } from './bundle.ts';
import { installRuntime, serve } from './shared.ts';

export async function runControlWorker(services: Services): Promise<void> {
  installRuntime();
  const bundle = await workflowBundle(Runtime.instance().logger);
  await serve('control', services, (defaults) => Worker.create({ ...defaults, taskQueue: CONTROL_QUEUE, workflowBundle: bundle }));
}
