import { join } from 'node:path';
import type { ReleaseManifest, TextLengths } from '../../contracts/index.ts';
import { readShard } from './shard.ts';

/** How many tokens the texts of a release have, those of a second text counted with the first's. Everybody who has the
 *  release can tell. */
export async function textLengths(
  folder: string,
  { shards, maxTokens }: Pick<ReleaseManifest, 'shards' | 'maxTokens'>,
): Promise<TextLengths> {
  const counts = new Float64Array(maxTokens + 1);
  let texts = 0;
  for (const { file } of shards) {
    const { count, input, pair } = await readShard(join(folder, file));
    for (let row = 0; row < count; row++) {
      const length = (list: typeof input): number => list.offsets[row + 1]! - list.offsets[row]!;
      counts[length(input) + (pair === null ? 0 : length(pair))]!++;
    }
    texts += count;
  }
  const quantile = (share: number): number => {
    let seen = 0;
    const length = counts.findIndex((count) => (seen += count) >= share * texts);
    return Math.max(0, length);
  };
  return { p05: quantile(0.05), p50: quantile(0.5), p95: quantile(0.95) };
}
