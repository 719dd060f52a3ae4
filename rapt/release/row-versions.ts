/** Reading the noisy versions of rows that were released before. */
import type { Sha256 } from '../../contracts/index.ts';
import { sha256File } from '../../system/index.ts';
import { lost } from './row-digests.ts';
import { RowFile, type LaidOut, type RowVersion } from './row-file.ts';
import { readShard } from './shard.ts';

/** A shard of an earlier release. */
export interface EarlierShard {
  readonly path: string;
  readonly sha256: Sha256;
  /** Place of its first row. */
  readonly start: number;
}

/** Versions of earlier rows. A table in a new order asks for rows of all shards at random, and Parquet is read a whole
 *  shard at a time. So each shard is read once, when a row of it is first asked for, and laid out row by row. Free
 *  with `close`. */
export class RowVersions {
  readonly #shards: readonly EarlierShard[];
  readonly #folder: string;
  readonly #laidOut = new Map<EarlierShard, LaidOut>();
  #file: RowFile | null = null;

  constructor(shards: readonly EarlierShard[], folder: string) {
    this.#shards = shards;
    this.#folder = folder;
  }

  /** @throws RaptError corruptArtifact when the shard was changed or damaged since. */
  async read(place: number): Promise<RowVersion> {
    const shard = this.#shardOf(place);
    const laidOut = this.#laidOut.get(shard) ?? (await this.#layOut(shard));
    return this.#file!.read(laidOut, place - shard.start);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #layOut(shard: EarlierShard): Promise<LaidOut> {
    const found = await sha256File(shard.path).catch(() => null);
    if (found?.sha256 !== shard.sha256) throw lost(shard.path);
    this.#file ??= await RowFile.open(this.#folder);
    const laidOut = await this.#file.append(await readShard(shard.path));
    this.#laidOut.set(shard, laidOut);
    return laidOut;
  }

  /** The last one that starts at the place or before it. */
  #shardOf(place: number): EarlierShard {
    let [low, high] = [0, this.#shards.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#shards[middle]!.start <= place) low = middle;
      else high = middle;
    }
    return this.#shards[low]!;
  }
}
