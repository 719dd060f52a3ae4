/** How long it takes from the request to cancel a run until the run has ended and its checkpoint is stored. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readStack } from '../settings/index.ts';
import { createMinioStore, CheckpointPointerCell } from '../storage/index.ts';
import type { Measurement } from './measurement.ts';
import { untilPending } from '../test/support/pending-activity.ts';
import { configOf, withService } from './service.ts';

/** Cancels runs of the default job at different moments. @param args number of tries; default 20. */
export async function cancelBench(args: readonly string[]): Promise<Measurement> {
  const tries = Number(args[0] ?? 20);
  const config = configOf({ audit: false, data: { train: 'movie-reviews', maxTrainRows: 1000, maxTestRows: 100 } });
  return withService(async ({ start }) => {
    const latenciesMs: number[] = [];
    for (let attempt = 0; attempt < tries; attempt++) {
      const id = `cancel-${attempt}`;
      const handle = await start(id, config);
      await untilPending(handle, 'train', ({ progress }) => (progress.step ?? 0) > 0);
      // Spread over the time of a step and of a heartbeat.
      await sleep(500 + (attempt * 1000) / tries);
      const asked = performance.now();
      await handle.cancel();
      await handle.result().catch(() => undefined);
      latenciesMs.push(Math.round(performance.now() - asked));
      const { current } = await CheckpointPointerCell.open(createMinioStore(readStack()!.s3), 'local', id);
      if (current === null) throw new Error(`run ${id} was cancelled without a checkpoint`);
    }
    const sorted = [...latenciesMs].sort((a, b) => a - b);
    return {
      results: { tries, latenciesMs, medianMs: sorted[Math.floor(tries / 2)], worstMs: sorted.at(-1) },
      ratios: {},
    };
  });
}
