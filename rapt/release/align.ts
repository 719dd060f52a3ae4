/** A release beside the texts that it was drawn from. For the data owner's own eyes. */
import { join } from 'node:path';
import { ErrorKind, RaptError, type ReleaseManifest } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import type { Row, Split } from '../data/index.ts';
import { joinIds, listOf } from './ragged.ts';
import { readShard } from './shard.ts';
import { keptTokens } from './truncate.ts';

export interface AlignedText {
  /** Row number in the user's table. */
  readonly row: number;
  readonly split: Split;
  /** The text's tokens, those of a second text after them; and what was released of each. */
  readonly plain: Int32Array;
  readonly released: Int32Array;
}

export interface AlignOptions {
  readonly folder: string;
  readonly manifest: ReleaseManifest;
  readonly tokenizer: Pick<Tokenizer, 'encode'>;
  /** Rows of a split, in the order in which the release was drawn. */
  readonly rows: (split: Split) => AsyncIterable<Row>;
}

/** Streams the texts of a release with their tokens, split by split. @throws RaptError badInput when the tables are not
 *  those that were released. */
export async function* alignRelease({ folder, manifest, tokenizer, rows }: AlignOptions): AsyncGenerator<AlignedText> {
  for (const split of ['train', 'test'] as const) {
    const table = rows(split)[Symbol.asyncIterator]();
    for (const shard of manifest.shards.filter((one) => one.split === split)) {
      const content = await readShard(join(folder, shard.file));
      for (let place = 0; place < content.count; place++) {
        const next = await table.next();
        if (next.done === true || next.value.number !== content.rows[place]) throw changed();
        const released = joinIds([
          listOf(content.input, place),
          ...(content.pair === null ? [] : [listOf(content.pair, place)]),
        ]);
        // As they were cut when the release was drawn.
        const { text, pair } = keptTokens(next.value, tokenizer, manifest.maxTokens);
        const plain = joinIds([text, pair]);
        if (plain.length !== released.length) throw changed();
        yield { row: next.value.number, split, plain, released };
      }
    }
  }
}

const changed = (): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    'the tables are not those that the release was drawn from; put back the files as they were',
  );
