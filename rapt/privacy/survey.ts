/** What a public embedding table looks like, and what a mechanism does to its tokens, on an even sample of them. No private text is involved
 *  and nothing here is random from run to run: a calibrated eta must come out the same when a run is repeated. */
import { quantiles } from '../quantiles.ts';
import { tf, tidy, type Tensor2D } from '../tensorflow.ts';
import type { Guarantee } from '../../contracts/index.ts';
import type { OutputGeometry } from './geometry.ts';
import { seededRandom } from './random.ts';
import { fillDirection, gamma } from './samplers.ts';

const SAMPLED_TOKENS = 512;
const BATCH = 128;
/** Noise directions tried for each sampled token. */
const DIRECTIONS = 4;

export interface TableSurvey {
  readonly norm: Guarantee['table']['norm'];
  /** From an output token to the nearest other one. */
  readonly neighbourDistance: Guarantee['table']['neighbourDistance'];
}

/** Distances from 512 output tokens, spread evenly over the vocabulary, to all of them. Free with `dispose`. */
export class TokenSample {
  readonly #geometry: OutputGeometry;
  /** Positions among the output ids. */
  readonly #positions: Int32Array;
  readonly #neighbours: Float64Array;
  /** [sampled, outputs]; a token's distance to itself is 0. */
  readonly #distances: Tensor2D;

  constructor(geometry: OutputGeometry) {
    const outputs = geometry.outputIds.length;
    const count = Math.min(SAMPLED_TOKENS, outputs);
    this.#geometry = geometry;
    this.#positions = Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * outputs) / count));
    this.#neighbours = new Float64Array(count).fill(Infinity);
    const distances = new Float32Array(count * outputs);
    for (let at = 0; at < count; at += BATCH) {
      const batch = this.#positions.subarray(at, at + BATCH);
      const products = geometry.dotProducts(batch.map((position) => geometry.outputIds[position]!));
      for (const [row, position] of batch.entries()) this.#fillRow(at + row, position, products.subarray(row * outputs, (row + 1) * outputs), distances);
    }
    this.#distances = tf.tensor2d(distances, [count, outputs]);
  }

  survey(): TableSurvey {
    const norms = Float64Array.from(this.#positions, (position) => Math.sqrt(this.#geometry.squaredNorms[position]!));
    return { norm: quantiles(norms), neighbourDistance: quantiles(this.#neighbours) };
  }

  /** Mean over the sampled tokens of P(x|x) under the exponential mechanism: 1 / sum over y of exp(-eta/2 * d(x, y)). */
  exponentialUnchanged(eta: number): number {
    const mean = tidy(() => tf.mean(tf.reciprocal(tf.sum(tf.exp(tf.mul(this.#distances, -eta / 2)), 1))));
    const rate = mean.dataSync()[0]!;
    mean.dispose();
    return rate;
  }

  /** Draws of the eta above which the laplace mechanism leaves a sampled token unchanged, ascending.
   *
   *  x stays the nearest token of x + l v while l v.(w - x) < ||w - x||^2 / 2 for every other w, that is for l below some l*(x, v); and
   *  l = g / eta with g ~ Gamma(d, 1). So x is unchanged exactly when eta > g / l*, and the share of draws below eta is the unchanged rate. */
  laplaceCriticalEtas(): Float64Array {
    const { dimensions } = this.#geometry.table;
    const random = seededRandom(0);
    const direction = new Float64Array(dimensions);
    const critical: number[] = [];
    for (let round = 0; round < DIRECTIONS; round++) {
      const directions = new Float32Array(this.#positions.length * dimensions);
      for (let row = 0; row < this.#positions.length; row++) {
        fillDirection(random, direction);
        directions.set(direction, row * dimensions);
      }
      for (const longest of this.#longestUnchanged(directions)) critical.push(gamma(random, dimensions, 1) / longest);
    }
    return Float64Array.from(critical).sort();
  }

  dispose(): void {
    this.#distances.dispose();
  }

  /** l*(x, v) for each sampled token x and its direction v. */
  #longestUnchanged(directions: Float32Array): Float32Array {
    const { dimensions } = this.#geometry.table;
    const ids = this.#positions.map((position) => this.#geometry.outputIds[position]!);
    const own = Float32Array.from(ids, (id, row) => this.#geometry.dotProduct(id, directions.subarray(row * dimensions, (row + 1) * dimensions)));
    const longest = tidy(() => {
      const along = tf.sub(this.#geometry.products(tf.tensor2d(directions, [ids.length, dimensions])), tf.tensor2d(own, [ids.length, 1]));
      const length = tf.div(tf.square(this.#distances), tf.mul(along, 2));
      const ahead = tf.logicalAnd(tf.greater(along, 0), tf.greater(this.#distances, 0));
      return tf.min(tf.where(ahead, length, tf.fill(length.shape, Infinity)), 1);
    });
    const values = longest.dataSync<'float32'>();
    longest.dispose();
    return values;
  }

  // Plain loops: fifteen million distances.
  #fillRow(row: number, position: number, products: Float32Array, distances: Float32Array): void {
    const { squaredNorms } = this.#geometry;
    const own = squaredNorms[position]!;
    const base = row * products.length;
    let least = Infinity;
    for (let other = 0; other < products.length; other++) {
      const distance = Math.sqrt(Math.max(0, own + squaredNorms[other]! - 2 * products[other]!));
      distances[base + other] = distance;
      if (distance < least && other !== position) least = distance;
    }
    distances[base + position] = 0;
    this.#neighbours[row] = least;
  }
}
