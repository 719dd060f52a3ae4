/** The GPU worker: trains and classifies for many tenants. It sees privatized ids, plain tokens and references. */
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { createGpuActivities, createModelHost, Scratch } from '../activities/gpu/index.ts';
import { GPU_QUEUE } from '../contracts/index.ts';
import type { Services } from '../infra/index.ts';
import { createMinioStore } from '../storage/index.ts';
import { serve } from './shared.ts';

/** One model at a time: a second one would share the device's memory with the first. */
const CONCURRENT_ACTIVITIES = 1;

/** @param scratch a folder of this worker's own, for what it has downloaded and not yet uploaded. */
export async function runGpuWorker(services: Services, { scratch }: { scratch: string }): Promise<void> {
  const store = createMinioStore(services.storeFor({ kind: 'gpu' }));
  await store.ensureBucket();
  const models = createModelHost(fileURLToPath(new URL('model-process.ts', import.meta.url)), { stallTimeoutMs: services.stallTimeoutMs });
  const activities = createGpuActivities({ store, scratch: new Scratch(scratch), models });
  await serve('gpu', services, (defaults) =>
    Worker.create({ ...defaults, taskQueue: GPU_QUEUE, activities, maxConcurrentActivityTaskExecutions: CONCURRENT_ACTIVITIES }),
  );
}
