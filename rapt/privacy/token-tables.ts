/** Both samplers of the exponential mechanism make a table for each token. Both find the token's places, hold its table
 *  while there is room, and draw by the table's sums. */

/** Where each token stands among the ids. */
export function placesOf(ids: Int32Array): Map<number, number[]> {
  const places = new Map<number, number[]>();
  ids.forEach((id, place) => {
    const known = places.get(id);
    if (known) known.push(place);
    else places.set(id, [place]);
  });
  return places;
}

/** Holds a number of tables. The table whose last use is longest ago makes room for a new one. */
export class HeldTables<T> {
  /** The table of the oldest use comes first. */
  readonly #tables = new Map<number, T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = Math.max(1, most);
  }

  get size(): number {
    return this.#tables.size;
  }

  get(id: number): T | undefined {
    return this.#tables.get(id);
  }

  /** Holds a table, which counts as a use of it. */
  hold(id: number, table: T): void {
    this.#tables.delete(id);
    this.#tables.set(id, table);
    if (this.#tables.size <= this.#most) return;
    const [oldest] = this.#tables.keys();
    if (oldest !== undefined) this.#tables.delete(oldest);
  }
}

/** The last block for which the sum before it is at most the drawn number.
 *  @param sums the sum before each block, then of all blocks, rising. */
export function blockOf(sums: Float64Array, drawn: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sums[middle]! <= drawn) low = middle;
    else high = middle;
  }
  return low;
}
