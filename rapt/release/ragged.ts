/** Lists of ids of different lengths: as one list, and apart again. */

/** List i is ids[offsets[i]] up to ids[offsets[i + 1]]. */
export interface Ragged {
  /** [count + 1] */
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
}

export function toRagged(lists: readonly ArrayLike<number>[]): Ragged {
  const offsets = new Int32Array(lists.length + 1);
  for (const [index, list] of lists.entries()) offsets[index + 1] = (offsets[index] ?? 0) + list.length;
  const ids = new Int32Array(offsets[lists.length] ?? 0);
  for (const [index, list] of lists.entries()) ids.set(list, offsets[index]);
  return { offsets, ids };
}

/** One of the lists. */
export const listOf = ({ offsets, ids }: Ragged, place: number): Int32Array =>
  ids.subarray(offsets[place], offsets[place + 1]);

/** One list after the other. */
export function joinIds(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Takes joined lists apart again: each call gives the next ids, as many as it asks for. */
export function takingApart(ids: Int32Array): (length: number) => Int32Array {
  let at = 0;
  return (length) => ids.subarray(at, (at += length));
}
