/** Rows whose tokens wait for the mechanism, until there are enough of them: `add` rows until the batch is full, give
 *  `waiting` to the mechanism, and `take` what it answers. */
import { joinIds, takingApart } from './ragged.ts';

/** A row and its lists of ids. */
export interface BatchedRow<Row, Parts extends readonly Int32Array[]> {
  readonly row: Row;
  readonly parts: Parts;
}

export class Batch<Row, Parts extends readonly Int32Array[]> {
  readonly #batchTokens: number;
  #rows: BatchedRow<Row, Parts>[] = [];
  #tokens = 0;

  /** @param batchTokens for the mechanism at once. */
  constructor(batchTokens: number) {
    this.#batchTokens = batchTokens;
  }

  get isFull(): boolean {
    return this.#tokens >= this.#batchTokens;
  }

  /** @param parts what the mechanism is given of the row. */
  add(row: Row, parts: Parts): void {
    this.#rows.push({ row, parts });
    for (const part of parts) this.#tokens += part.length;
  }

  /** The ids of all rows, one after the other. */
  waiting(): Int32Array {
    return joinIds(this.#rows.flatMap(({ parts }) => parts));
  }

  /** Empties the batch. @param noisy a version of each id of `waiting`. @returns the rows, each with the noisy versions
   *  of its parts. */
  take(noisy: Int32Array): BatchedRow<Row, Parts>[] {
    const next = takingApart(noisy);
    // As many parts as there were.
    const taken = this.#rows.map(({ row, parts }) => ({
      row,
      parts: parts.map(({ length }) => next(length)) as readonly Int32Array[] as Parts,
    }));
    this.#rows = [];
    this.#tokens = 0;
    return taken;
  }
}

/** How many places of two lists of one length have the same id. */
export function countEqual(a: Int32Array, b: Int32Array): number {
  let equal = 0;
  for (let at = 0; at < a.length; at++) if (a[at] === b[at]) equal++;
  return equal;
}
