/** The rows of one shard while they are drawn. */
import type { RandomizedResponse, RandomSource } from '../privacy/index.ts';
import type { Row } from '../data/index.ts';
import { Batch, countEqual } from './batch.ts';
import type { FoundRow } from './earlier-rows.ts';
import { drawPlainTokens, type PlainTokens } from './plain-tokens.ts';
import { toRagged } from './ragged.ts';
import { TAKEN_OVER } from './row-digests.ts';
import type { RowVersion } from './row-file.ts';
import type { ShardRows } from './shard.ts';
import type { KeptTokens } from './truncate.ts';

export interface BuilderOptions {
  /** Tokens for the mechanism at once. */
  readonly batchTokens: number;
  readonly random: RandomSource;
  readonly pair: boolean;
  readonly plain: PlainTokens | false;
  /** Number of a label; null for a split that is released without labels. */
  readonly classNumber: ((label: string | null) => number) | null;
  /** What stands for unknown tokens in the plain text, which are then counted. */
  readonly unknownId?: number | undefined;
  /** Draws the labels; null lets them pass as they are. */
  readonly response: Pick<RandomizedResponse, 'draw'> | null;
  /** Called with the number of the user's tokens for which a noisy version was drawn just now. */
  readonly onDrawn?: ((tokens: number) => void) | undefined;
}

interface PendingRow extends KeptTokens {
  readonly number: number;
  readonly label: number;
  readonly plain: Int32Array;
  readonly earlier: RowVersion | null;
}

type DrawnParts = readonly [plain: Int32Array, text: Int32Array, pair: Int32Array];

const NOTHING = new Int32Array();

/** Rows into privatized rows, a batch at a time: `add` rows until a batch is full, give `waiting` to the mechanism, and
 *  `take` what it answers. Texts are not kept. */
export class ShardBuilder {
  readonly #options: BuilderOptions;
  readonly #batch: Batch<PendingRow, DrawnParts>;
  readonly #rows: number[] = [];
  readonly #labels: number[] = [];
  readonly #input: Int32Array[] = [];
  readonly #pair: Int32Array[] = [];
  readonly #plain: Int32Array[] = [];
  readonly #noisyPlain: Int32Array[] = [];
  /** The user's tokens privatized so far, how many of them stayed themselves, and how many were unknown. Plain tokens
   *  are not counted. */
  tokens = 0;
  unchanged = 0;
  unknown = 0;
  /** Rows taken over as they were released before. */
  takenOver = 0;
  /** Of the rows, in their order, by which a later release finds those that were drawn here. */
  readonly digests: bigint[] = [];

  constructor(options: BuilderOptions) {
    this.#options = options;
    this.#batch = new Batch(options.batchTokens);
  }

  /** @param found absent in releases that nothing is taken over from. @param earlier the row's version that was
   *  released before, if there is one.
   *  @returns whether a batch is full. */
  add(row: Row, tokens: KeptTokens, found: Pick<FoundRow, 'digest'> | undefined, earlier: RowVersion | null): boolean {
    const { text, pair } = tokens;
    const label = this.#labelOf(row, earlier);
    const plain = earlier?.plain ?? this.#drawPlain();
    const parts: DrawnParts = earlier === null ? [plain, text, pair] : [NOTHING, NOTHING, NOTHING];
    this.#batch.add({ text, pair, number: row.number, label, plain, earlier }, parts);
    if (found !== undefined) this.digests.push(earlier === null ? found.digest : TAKEN_OVER);
    if (earlier !== null) this.takenOver++;
    return this.#batch.isFull;
  }

  #labelOf(row: Row, earlier: RowVersion | null): number {
    const { classNumber, response } = this.#options;
    if (classNumber === null) return -1;
    const label = classNumber(row.label);
    return response === null ? label : (earlier?.label ?? response.draw(label));
  }

  #drawPlain(): Int32Array {
    const { plain, random } = this.#options;
    return plain === false ? NOTHING : drawPlainTokens(plain, random);
  }

  /** Tokens of the rows that have no noisy version yet. */
  waiting(): Int32Array {
    return this.#batch.waiting();
  }

  /** @param noisy a version of each token of `waiting`. */
  take(noisy: Int32Array): void {
    let drawn = 0;
    for (const { row, parts } of this.#batch.take(noisy)) {
      const [noisyPlain, noisyText, noisyPair] = parts;
      this.#keep(row, row.earlier ?? { plain: row.plain, noisyPlain, text: noisyText, pair: noisyPair });
      drawn += noisyText.length + noisyPair.length;
    }
    if (drawn > 0) this.#options.onDrawn?.(drawn);
  }

  #keep(row: PendingRow, { text, pair, plain, noisyPlain }: Omit<RowVersion, 'label'>): void {
    this.#rows.push(row.number);
    this.#labels.push(row.label);
    this.#plain.push(plain);
    this.#noisyPlain.push(noisyPlain);
    this.#input.push(text);
    this.#pair.push(pair);
    this.tokens += text.length + pair.length;
    this.unchanged += countEqual(text, row.text) + countEqual(pair, row.pair);
    this.unknown += this.#countUnknown(row.text) + this.#countUnknown(row.pair);
  }

  #countUnknown(ids: Int32Array): number {
    let unknown = 0;
    for (const id of ids) if (id === this.#options.unknownId) unknown++;
    return unknown;
  }

  /** Of all rows, none of which waits any more. */
  finish(): ShardRows {
    const { plain, pair, classNumber } = this.#options;
    return {
      count: this.#rows.length,
      rows: Int32Array.from(this.#rows),
      input: toRagged(this.#input),
      pair: pair ? toRagged(this.#pair) : null,
      labels: classNumber === null ? null : Int32Array.from(this.#labels),
      plain:
        plain === false
          ? null
          : {
              tokensPerRow: plain.tokensPerRow,
              ids: toRagged(this.#plain).ids,
              noisyIds: toRagged(this.#noisyPlain).ids,
            },
    };
  }
}
