/** How far the outputs of a public table lie from each of its tokens: enough to sum the weights of a channel at any rate without another pass over all pairs. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { distances } from './channel.ts';

/** A distance is off by at most half a bin, which is 1 / 2,048 of the largest; at the rates that keep any privacy log W is off by some 10^-4. */
const BINS = 1024;
const BLOCK = 256;

export class PairDistances {
  readonly #rows: number;
  readonly #binWidth: number;
  /** Outputs in each bin of distance, the token itself left out. [rows, BINS] */
  readonly #counts: Uint16Array;
  readonly #isOutput: Uint8Array;

  private constructor(rows: number, binWidth: number, counts: Uint16Array, isOutput: Uint8Array) {
    this.#rows = rows;
    this.#binWidth = binWidth;
    this.#counts = counts;
    this.#isOutput = isOutput;
  }

  /** One pass over all pairs. */
  static async measure(table: EmbeddingTable, outputIds: Int32Array): Promise<PairDistances> {
    const { rows, dimensions } = table;
    const places = new Int32Array(rows).fill(-1);
    outputIds.forEach((id, place) => (places[id] = place));
    const all = tf.tensor2d(table.values, [rows, dimensions]);
    const outputs = tf.gather<Tensor2D>(all, tf.tensor1d(outputIds, 'int32'));
    const squares = tidy(() => tf.sum<Tensor1D>(tf.square(outputs), 1));
    const longest = tidy(() => tf.max(tf.sqrt(tf.sum(tf.square(all), 1))));
    const binWidth = (2 * longest.dataSync()[0]!) / (BINS - 1);
    const counts = new Uint16Array(rows * BINS);
    for (let at = 0; at < rows; at += BLOCK) {
      const count = Math.min(BLOCK, rows - at);
      const block = tidy(() => tf.div(distances(tf.slice(all, [at, 0], [count, dimensions]), outputs, squares), binWidth));
      const values = block.dataSync<'float32'>();
      block.dispose();
      for (let row = 0; row < count; row++) {
        const own = places[at + row]!;
        const base = (at + row) * BINS;
        const from = row * outputIds.length;
        // A plain loop: a billion pairs for a table of 30,000 tokens.
        for (let output = 0; output < outputIds.length; output++) if (output !== own) counts[base + Math.min(BINS - 1, values[from + output]! | 0)]!++;
      }
      await nextTurn();
    }
    for (const tensor of [all, outputs, squares, longest]) tensor.dispose();
    return new PairDistances(rows, binWidth, counts, Uint8Array.from(places, (place) => (place < 0 ? 0 : 1)));
  }

  /** log of the sum over all outputs y of exp(-rate * ||phi(x) - phi(y)||), for every x. */
  logTotals(rate: number): Float32Array {
    const weights = Float64Array.from({ length: BINS }, (_, bin) => Math.exp(-rate * (bin + 0.5) * this.#binWidth));
    return Float32Array.from({ length: this.#rows }, (_, row) => {
      let sum = this.#isOutput[row]!;
      for (let bin = 0; bin < BINS; bin++) sum += this.#counts[row * BINS + bin]! * weights[bin]!;
      return Math.log(sum);
    });
  }
}
