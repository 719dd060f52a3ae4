/** The GPU worker: trains and classifies for many tenants. It sees privatized ids, plain tokens and references. */
import { Worker } from '@temporalio/worker';
import { createGpuActivities, createModelHost, MODEL_PROCESS_FILE, Scratch } from '../activities/gpu/index.ts';
import { GPU_QUEUE } from '../contracts/index.ts';
import { askDevice } from '../infra/index.ts';
import type { Services } from '../settings/index.ts';
import { openStore, serve, type WorkerDefaults } from './serve.ts';

/** One model at a time: a second one would share the device's memory with the first. */
const CONCURRENT_ACTIVITIES = 1;

/** @param scratch a folder of this worker's own, for what it has downloaded and not yet uploaded. */
export async function runGpuWorker(services: Services, { scratch }: { scratch: string }): Promise<void> {
  // Asked while the rest gets ready: the answer takes as long as TensorFlow takes to load.
  const device = askDevice();
  device.catch(() => undefined);
  const store = await openStore(services, { kind: 'gpu' });
  const models = createModelHost(MODEL_PROCESS_FILE, { stallTimeoutMs: services.stallTimeoutMs });
  const activities = createGpuActivities({ store, scratch: new Scratch(scratch), models });
  const create = (defaults: WorkerDefaults): Promise<Worker> =>
    Worker.create({
      ...defaults,
      taskQueue: GPU_QUEUE,
      activities,
      maxConcurrentActivityTaskExecutions: CONCURRENT_ACTIVITIES,
    });
  await serve('gpu', services, create, async () => {
    const { name, library } = await device;
    process.stdout.write(`gpu worker runs models on: ${name} (${library})\n`);
  });
}
