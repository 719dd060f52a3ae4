/** How far the outputs of a public table lie from each of its tokens: enough to sum the weights of a channel at any
 *  rate without another pass over all pairs. */
import type { EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Tensor1D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import { distances, rowTensor } from './tiles.ts';

/** A distance is off by at most half a bin, which is 1 / 2,048 of the largest; at the rates that keep any privacy log W
 *  is off by some 10^-4. */
const BINS = 1024;
/** Rows whose distances to all outputs lie in one tensor: 8 MiB for 30,000 of them, which the allocator gives out
 *  again. */
const BLOCK = 64;
/** A bin may hold all outputs but one. */
const MOST_COUNTED = 2 ** 16;
/** Of more outputs than that so many stand for all, evenly spread: what a frontier tells is known to about a point, and
 *  the pass takes minutes instead of an hour. A token whose nearest neighbours are not among them is taken for a little
 *  more lonely than it is. */
const SAMPLED_OUTPUTS = 2 ** 15;

export class PairDistances {
  readonly #rows: number;
  readonly #binWidth: number;
  /** Outputs in each bin of distance, the token itself left out. [rows, BINS] */
  readonly #counts: Uint16Array;
  readonly #isOutput: Uint8Array;
  /** Other outputs for each one that was counted. [rows] */
  readonly #scales: Float64Array;

  private constructor(rows: number, binWidth: number, counts: Uint16Array, isOutput: Uint8Array, scales: Float64Array) {
    this.#rows = rows;
    this.#binWidth = binWidth;
    this.#counts = counts;
    this.#isOutput = isOutput;
    this.#scales = scales;
  }

  /** One pass over all pairs, or over those with a sample of the outputs. @param counted outputs that are looked at:
   *  all, or few of many. */
  static async measure(
    table: EmbeddingTable,
    outputIds: Int32Array,
    counted = outputIds.length > MOST_COUNTED ? SAMPLED_OUTPUTS : outputIds.length,
    turns = new Turns(),
  ): Promise<PairDistances> {
    const { rows } = table;
    const sample = Int32Array.from(
      { length: counted },
      (_, at) => outputIds[Math.floor((at * outputIds.length) / counted)]!,
    );
    const isOutput = new Uint8Array(rows);
    for (const id of outputIds) isOutput[id] = 1;
    const places = new Int32Array(rows).fill(-1);
    sample.forEach((id, place) => (places[id] = place));
    const outputs = rowTensor(table, sample);
    const squares = tidy(() => tf.sum<Tensor1D>(tf.square(outputs), 1));
    try {
      const binWidth = (2 * (await longestRow(table, turns))) / (BINS - 1);
      const counts = new Uint16Array(rows * BINS);
      for (let at = 0; at < rows; at += BLOCK) {
        const count = Math.min(BLOCK, rows - at);
        const block = tidy(() =>
          tf.div(
            distances(
              rowTensor(
                table,
                Int32Array.from({ length: count }, (_, row) => at + row),
              ),
              outputs,
              squares,
            ),
            binWidth,
          ),
        );
        const values = block.dataSync<'float32'>();
        block.dispose();
        for (let row = 0; row < count; row++) {
          const own = places[at + row]!;
          const base = (at + row) * BINS;
          const from = row * counted;
          // A plain loop: a billion pairs for a table of 30,000 tokens.
          for (let output = 0; output < counted; output++)
            if (output !== own) counts[base + Math.min(BINS - 1, values[from + output]! | 0)]!++;
        }
        await turns.next();
      }
      const scales = Float64Array.from(
        places,
        (place, id) => (outputIds.length - isOutput[id]!) / (counted - (place < 0 ? 0 : 1)),
      );
      return new PairDistances(rows, binWidth, counts, isOutput, scales);
    } finally {
      for (const tensor of [outputs, squares]) tensor.dispose();
    }
  }

  /** log of the sum over all outputs y of exp(-rate * ||phi(x) - phi(y)||), for every x. */
  logTotals(rate: number): Float32Array {
    const weights = Float64Array.from({ length: BINS }, (_, bin) => Math.exp(-rate * (bin + 0.5) * this.#binWidth));
    return Float32Array.from({ length: this.#rows }, (_, row) => {
      let sum = 0;
      for (let bin = 0; bin < BINS; bin++) sum += this.#counts[row * BINS + bin]! * weights[bin]!;
      return Math.log(this.#isOutput[row]! + this.#scales[row]! * sum);
    });
  }
}

/** Largest norm of a row, in single precision. */
async function longestRow(table: EmbeddingTable, turns: Turns): Promise<number> {
  let longest = 0;
  for (let at = 0; at < table.rows; at += MOST_COUNTED) {
    const ids = Int32Array.from({ length: Math.min(MOST_COUNTED, table.rows - at) }, (_, row) => at + row);
    const most = tidy(() => tf.max(tf.sqrt(tf.sum(tf.square(rowTensor(table, ids)), 1))));
    longest = Math.max(longest, most.dataSync()[0]!);
    most.dispose();
    await turns.next();
  }
  return longest;
}
