/** What both samplers of the exponential mechanism do with a table for each token: find its places, hold it while there
 *  is room, draw by its sums. */

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

/** Holds so many tables; the one whose last use is longest ago makes room. */
export class HeldTables<T> {
  /** Oldest use first. */
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

  /** Counts as a use. */
  hold(id: number, table: T): void {
    this.#tables.delete(id);
    this.#tables.set(id, table);
    if (this.#tables.size <= this.#most) return;
    const [oldest] = this.#tables.keys();
    if (oldest !== undefined) this.#tables.delete(oldest);
  }
}

/** The last block whose sum before it is at most the drawn number. @param sums before each block, and in all,
 *  rising. */
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
