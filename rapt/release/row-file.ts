/** Rows of shards laid out so that each can be read by itself: Parquet gives a shard as a whole or not at all. What it
 *  holds has been released already. */
import { randomBytes } from 'node:crypto';
import { readSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { joinIds, listOf, takingApart } from './ragged.ts';
import type { ShardRows } from './shard.ts';

/** One row's noisy version. */
export interface RowVersion {
  readonly text: Int32Array;
  readonly pair: Int32Array;
  readonly plain: Int32Array;
  readonly noisyPlain: Int32Array;
  /** As it was released; null in a test row. */
  readonly label: number | null;
}

/** Numbers before a row's ids: how many tokens text, pair and plain have, and its label. */
const HEADER = 4;
const NO_LABEL = -1;
const BYTES = Int32Array.BYTES_PER_ELEMENT;

/** Where a shard's rows lie: row i from starts[i] to starts[i + 1], in numbers from `base`. */
export interface LaidOut {
  readonly base: number;
  readonly starts: Uint32Array;
}

export class RowFile {
  readonly #file: FileHandle;
  /** In numbers. */
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** It has no name from the start, so that nothing is left of it whenever the process ends. @param folder with room
   *  for it. */
  static async open(folder: string): Promise<RowFile> {
    const path = join(folder, `rows-${randomBytes(6).toString('hex')}.tmp`);
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return new RowFile(file);
  }

  async append(shard: ShardRows): Promise<LaidOut> {
    const starts = new Uint32Array(shard.count + 1);
    for (let row = 0; row < shard.count; row++)
      starts[row + 1] = starts[row]! + HEADER + partsOf(shard, row).reduce((sum, part) => sum + part.length, 0);
    const numbers = new Int32Array(starts[shard.count]!);
    for (let row = 0; row < shard.count; row++) {
      const parts = partsOf(shard, row);
      const [text, pair, plain] = parts;
      const header = [text.length, pair.length, plain.length, shard.labels?.[row] ?? NO_LABEL];
      numbers.set(header, starts[row]);
      numbers.set(joinIds(parts), starts[row]! + HEADER);
    }
    const base = this.#end;
    const bytes = new Uint8Array(numbers.buffer);
    for (let at = 0; at < bytes.length;)
      at += (await this.#file.write(bytes, at, bytes.length - at, base * BYTES + at)).bytesWritten;
    this.#end += numbers.length;
    return { base, starts };
  }

  /** Some microseconds: the file was written just now. */
  read({ base, starts }: LaidOut, row: number): RowVersion {
    const numbers = new Int32Array(starts[row + 1]! - starts[row]!);
    const bytes = new Uint8Array(numbers.buffer);
    for (let at = 0; at < bytes.length;) {
      const got = readSync(this.#file.fd, bytes, at, bytes.length - at, (base + starts[row]!) * BYTES + at);
      if (got === 0) throw new Error('a temporary file of earlier rows was cut short');
      at += got;
    }
    const [textLength, pairLength, plainLength, label] = numbers as unknown as [number, number, number, number];
    const next = takingApart(numbers.subarray(HEADER));
    return {
      text: next(textLength),
      pair: next(pairLength),
      plain: next(plainLength),
      noisyPlain: next(plainLength),
      label: label === NO_LABEL ? null : label,
    };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const NOTHING = new Int32Array();

function partsOf(
  { input, pair, plain }: ShardRows,
  row: number,
): [text: Int32Array, pair: Int32Array, plain: Int32Array, noisyPlain: Int32Array] {
  const plainOf = (ids: Int32Array, tokensPerRow: number): Int32Array =>
    ids.subarray(row * tokensPerRow, (row + 1) * tokensPerRow);
  return [
    listOf(input, row),
    pair === null ? NOTHING : listOf(pair, row),
    plain === null ? NOTHING : plainOf(plain.ids, plain.tokensPerRow),
    plain === null ? NOTHING : plainOf(plain.noisyIds, plain.tokensPerRow),
  ];
}
