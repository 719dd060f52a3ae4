/** How far the outputs of a public table lie from each of its tokens, as histograms. With them the weights of a channel
 *  can be summed at any rate, without another pass over all pairs. */
import type { EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Tensor1D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import { distances, rowTensor } from './tiles.ts';

/** A distance is off by at most half a bin, which is 1 / 2,048 of the largest distance. At rates that keep any privacy,
 *  log W is then off by some 10^-4. */
const BINS = 1024;
/** The distances from so many rows to all outputs lie in one tensor. For 30,000 outputs it has 8 MiB, a size that the
 *  allocator gives out again. */
const BLOCK = 64;
/** A bin of 16 bits can count so many outputs: all but the token itself may fall into one bin. */
const MOST_COUNTED = 2 ** 16;
/** If there are more outputs, an even sample of this size stands for all of them. The pass then takes minutes instead
 *  of an hour, and what a frontier tells is known only to about a point anyway. A token whose nearest neighbours are
 *  not in the sample seems a little more lonely than it is. */
const SAMPLED_OUTPUTS = 2 ** 15;

export class PairDistances {
  readonly #rows: number;
  readonly #binWidth: number;
  /** How many outputs, without the token itself, lie in each bin of distance. [rows, BINS] */
  readonly #counts: Uint16Array;
  readonly #isOutput: Uint8Array;
  /** How many outputs each counted output stands for. [rows] */
  readonly #scales: Float64Array;

  private constructor(rows: number, binWidth: number, counts: Uint16Array, isOutput: Uint8Array, scales: Float64Array) {
    this.#rows = rows;
    this.#binWidth = binWidth;
    this.#counts = counts;
    this.#isOutput = isOutput;
    this.#scales = scales;
  }

  /** Takes one pass over all pairs, or over the pairs with a sample of the outputs.
   *  @param counted size of the sample. Default: all outputs, or few of many. */
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

/** The largest norm of a row, in single precision. */
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
