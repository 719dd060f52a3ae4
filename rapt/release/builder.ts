/** Rows into privatized rows, a batch at a time: `add` rows until there are enough, give `waiting` to the mechanism,
 *  and `take` what it answers. */
import type { RandomizedResponse, RandomSource } from '../privacy/index.ts';
import { uniformInteger } from '../privacy/index.ts';
import type { Row } from '../data/index.ts';
import { TAKEN_OVER } from './earlier.ts';
import type { FoundRow } from './earlier.ts';
import type { RowVersion } from './row-file.ts';
import { toRagged } from './shard.ts';
import type { ShardRows } from './shard.ts';
import type { KeptTokens } from './truncate.ts';

/** m tokens drawn anew for each row, uniformly and independently of the row, from a public vocabulary. */
export interface PlainTokens {
  readonly tokensPerRow: number;
  readonly vocabulary: Int32Array;
}

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

/** The rows of one shard while they are drawn. Texts are not kept. */
export class ShardBuilder {
  readonly #options: BuilderOptions;
  #pending: PendingRow[] = [];
  #pendingTokens = 0;
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
  }

  /** Rows added, drawn or not. */
  get rows(): number {
    return this.#rows.length + this.#pending.length;
  }

  /** @param found absent in releases that nothing is taken over from. @param earlier the row's version that was
   *  released before, if there is one.
   *  @returns whether a batch is full. */
  add(row: Row, tokens: KeptTokens, found: Pick<FoundRow, 'digest'> | undefined, earlier: RowVersion | null): boolean {
    const { plain, random, classNumber, response } = this.#options;
    const label = classNumber === null ? -1 : classNumber(row.label);
    const pending: PendingRow = {
      ...tokens,
      number: row.number,
      label: response === null || label < 0 ? label : (earlier?.label ?? response.draw(label)),
      plain: earlier?.plain ?? (plain === false ? new Int32Array() : drawPlainTokens(plain, random)),
      earlier,
    };
    this.#pending.push(pending);
    if (found !== undefined) this.digests.push(earlier === null ? found.digest : TAKEN_OVER);
    if (earlier === null) this.#pendingTokens += tokens.text.length + tokens.pair.length + pending.plain.length;
    else this.takenOver++;
    return this.#pendingTokens >= this.#options.batchTokens;
  }

  /** Tokens of the rows that have no noisy version yet. */
  waiting(): Int32Array {
    const ids = new Int32Array(this.#pendingTokens);
    let end = 0;
    const append = (part: Int32Array): void => {
      ids.set(part, end);
      end += part.length;
    };
    for (const { plain, text, pair, earlier } of this.#pending)
      if (earlier === null) [plain, text, pair].forEach(append);
    return ids;
  }

  /** @param noisy a version of each token of `waiting`. */
  take(noisy: Int32Array): void {
    let drawn = 0;
    let start = 0;
    const next = (part: Int32Array): Int32Array => noisy.subarray(start, (start += part.length));
    for (const row of this.#pending) {
      this.#rows.push(row.number);
      this.#labels.push(row.label);
      this.#plain.push(row.plain);
      this.#noisyPlain.push(row.earlier?.noisyPlain ?? next(row.plain));
      const text = row.earlier?.text ?? next(row.text);
      const pair = row.earlier?.pair ?? next(row.pair);
      this.#input.push(text);
      this.#pair.push(pair);
      this.tokens += text.length + pair.length;
      if (row.earlier === null) drawn += text.length + pair.length;
      this.unchanged += countEqual(text, row.text) + countEqual(pair, row.pair);
      this.unknown += this.#countUnknown(row.text) + this.#countUnknown(row.pair);
    }
    this.#pending = [];
    this.#pendingTokens = 0;
    if (drawn > 0) this.#options.onDrawn?.(drawn);
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

function drawPlainTokens({ tokensPerRow, vocabulary }: PlainTokens, random: RandomSource): Int32Array {
  const ids = new Int32Array(tokensPerRow);
  for (let at = 0; at < tokensPerRow; at++) ids[at] = vocabulary[uniformInteger(random, vocabulary.length)] ?? 0;
  return ids;
}

function countEqual(a: Int32Array, b: Int32Array): number {
  let equal = 0;
  for (let at = 0; at < a.length; at++) if (a[at] === b[at]) equal++;
  return equal;
}
