/** What a training takes from a release's folder: its rows, and the values with which it begins. */
import { join } from 'node:path';
import type { ReleaseManifest, Shard, TuningOptions } from '../../contracts/index.ts';
import { loadEmbeddingTable, type BackboneConfig } from '../backbone/index.ts';
import { joinIds, readShard, type Ragged, type ShardRows } from '../release/index.ts';
import type { Examples } from './examples.ts';
import { initialParameters, promptStart, type Parameters } from './parameters.ts';

/** Reads one split of a release's folder into memory: 4 bytes a token. @throws RaptError corruptArtifact naming the
 *  damaged shard. */
export async function loadExamples(
  folder: string,
  manifest: ReleaseManifest,
  split: Shard['split'],
): Promise<Examples> {
  const shards: ShardRows[] = [];
  for (const { file, split: of } of manifest.shards) if (of === split) shards.push(await readShard(join(folder, file)));
  return toExamples(shards, manifest, split);
}

/** Privatized rows as the model reads them. */
export function toExamples(
  shards: readonly ShardRows[],
  { pair, plain, labelNoise }: Pick<ReleaseManifest, 'pair' | 'plain' | 'labelNoise'>,
  split: Shard['split'],
): Examples {
  const places = plain ? new Map(plain.vocabulary.map((id, place) => [id, place])) : null;
  return {
    count: shards.reduce((sum, shard) => sum + shard.count, 0),
    text: joinRagged(shards.map((shard) => shard.input)),
    pair: pair ? joinRagged(shards.flatMap((shard) => (shard.pair ? [shard.pair] : []))) : null,
    plain: places
      ? {
          perRow: plain ? plain.tokensPerRow : 0,
          noisyIds: joinIds(shards.flatMap((shard) => (shard.plain ? [shard.plain.noisyIds] : []))),
          targets: joinIds(shards.flatMap((shard) => (shard.plain ? [shard.plain.ids] : []))).map((id) =>
            places.get(id)!,
          ),
        }
      : null,
    labels: split === 'train' ? joinIds(shards.flatMap((shard) => (shard.labels ? [shard.labels] : []))) : null,
    labelNoise: labelNoise ?? null,
    rows: joinIds(shards.map((shard) => shard.rows)),
  };
}

function joinRagged(parts: readonly Ragged[]): Ragged {
  const offsets = new Int32Array(parts.reduce((sum, part) => sum + part.offsets.length - 1, 1));
  let row = 0;
  for (const part of parts) {
    const base = offsets[row]!;
    for (let i = 1; i < part.offsets.length; i++) offsets[row + i] = base + part.offsets[i]!;
    row += part.offsets.length - 1;
  }
  return { offsets, ids: joinIds(parts.map((part) => part.ids)) };
}

/** The values with which a training on this release begins. */
export function firstParameters(
  config: BackboneConfig,
  backboneFolder: string,
  manifest: ReleaseManifest,
  options: TuningOptions,
): Parameters {
  return initialParameters({
    config,
    classes: manifest.classes.length,
    reconstructionVocabulary: manifest.plain ? manifest.plain.vocabulary.length : 0,
    options,
    ...(options.method === 'prompt' ? { promptStart: promptStart(loadEmbeddingTable(backboneFolder), options) } : {}),
  });
}
