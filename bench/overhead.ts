/** The same training with Temporal, MinIO and checkpoints, and without: what durability costs. */
import { join } from 'node:path';
import type { TuningResult } from '../contracts/index.ts';
import type { Measurement } from './measurement.ts';
import { PlainTrainer, releaseFolderOf } from '../test/support/plain-training.ts';
import { configOf, withService } from './service.ts';

/** The default job, with fewer epochs. @param args number of epochs; default 2. */
export async function overheadBench(args: readonly string[]): Promise<Measurement> {
  const epochs = Number(args[0] ?? 2);
  const config = configOf({
    audit: false,
    data: { train: 'movie-reviews', maxTrainRows: 4000, maxTestRows: 500 },
    tuning: { epochs },
  });
  return withService(async ({ start, home }) => {
    const handle = await start('overhead', config);
    const { timing, release, adapter } = (await handle.result()) as TuningResult;
    const folder = await releaseFolderOf(join(home, 'client', 'local'), release.sha256);
    const begin = performance.now();
    // This time includes loading the model, as the service's does.
    const plain = await new PlainTrainer(config.backbone).train(folder, config.tuning);
    const plainSeconds = (performance.now() - begin) / 1000;
    const serviceSeconds = timing['train'] ?? NaN;
    if (plain.adapter !== adapter.sha256) throw new Error('the two trainings differ');
    const rounded = (seconds: number): number => Math.round(seconds * 100) / 100;
    return {
      results: {
        steps: plain.steps,
        serviceSeconds: rounded(serviceSeconds),
        plainSeconds: rounded(plainSeconds),
        serviceOverPlain: serviceSeconds / plainSeconds,
      },
      ratios: { 'one process, nothing durable': plainSeconds / serviceSeconds },
    };
  });
}
