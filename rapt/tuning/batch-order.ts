import { permutation, seededStream } from './seeded-stream.ts';

/** Batches within which rows of similar length are put together. A larger number pads less, a smaller one mixes
 *  more. */
const WINDOW_BATCHES = 50;

export const stepsPerEpoch = (rows: number, batchSize: number): number => Math.ceil(rows / batchSize);

/** The batches of one epoch: a pure function of (seed, epoch), so that a resumed run sees the rows that the stopped one
 *  would have seen. Rows are shuffled, sorted by length within windows of some batches, cut into batches, and the
 *  batches shuffled.
 *  @param lengths ids of each row, frame included */
export function epochBatches(lengths: Int32Array, batchSize: number, seed: number, epoch: number): Int32Array[] {
  const order = permutation(seededStream(seed, 'rows', epoch), lengths.length);
  const batches: Int32Array[] = [];
  for (let start = 0; start < order.length; start += WINDOW_BATCHES * batchSize) {
    const window = order.slice(start, start + WINDOW_BATCHES * batchSize);
    window.sort((a, b) => lengths[a]! - lengths[b]! || a - b);
    for (let first = 0; first < window.length; first += batchSize) batches.push(window.slice(first, first + batchSize));
  }
  return Array.from(permutation(seededStream(seed, 'batches', epoch), batches.length), (index) => batches[index]!);
}

/** Batches in order of length, for inference, where order does not matter. */
export function sortedBatches(lengths: Int32Array, batchSize: number): Int32Array[] {
  const order = Int32Array.from(lengths.keys()).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, index) =>
    order.slice(index * batchSize, (index + 1) * batchSize),
  );
}
