/** An even sample of a public table's tokens: how they lie in the table, and what a mechanism does to them. No private
 *  text is involved. Nothing here is random from run to run, since a calibrated eta must come out the same when a run
 *  is repeated. */
import { quantiles } from '../quantiles.ts';
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import type { Work } from '../turns.ts';
import type { Guarantee } from '../../contracts/index.ts';
import { isLarge, type OutputGeometry } from './geometry.ts';
import { seededRandom } from './random-source.ts';
import { fillDirection, gamma } from './number-samplers.ts';

const SAMPLED_TOKENS = 512;
const BATCH = 128;
/** So many distances lie in one tensor: 4 MiB, which the allocator gives out again. For a larger tensor it asks the
 *  system each time, which zeroes the memory. */
const STRIPE_NUMBERS = 2 ** 20;
/** The same for a large table. Each tensor takes a pass over its rows, so there are fewer and larger ones; a step over
 *  one takes tenths of a second. */
const LARGE_STRIPE_NUMBERS = 2 ** 24;
/** So many directions of noise are tried for each sampled token. */
const DIRECTIONS = 4;

/** Quantiles over the sample. */
export interface TableMeasures {
  readonly norm: Guarantee['table']['norm'];
  /** The distance from an output token to the nearest other one. */
  readonly neighbourDistance: Guarantee['table']['neighbourDistance'];
}

/** The distances from some of the sampled tokens to all output tokens. */
interface Stripe {
  /** The place of the first of them in the sample. */
  readonly first: number;
  readonly count: number;
  /** [count, outputs]; a token's distance to itself is 0. */
  readonly distances: Tensor2D;
}

/** The distances from 512 output tokens, spread evenly over the vocabulary, to all output tokens. Free with
 *  `dispose`. */
export class TokenSample {
  readonly #geometry: OutputGeometry;
  /** The sampled tokens' positions among the output ids. */
  readonly #positions: Int32Array;
  readonly #neighbours: Float64Array;
  readonly #stripes: Stripe[] = [];

  private constructor(geometry: OutputGeometry) {
    const outputs = geometry.outputIds.length;
    const count = Math.min(SAMPLED_TOKENS, outputs);
    this.#geometry = geometry;
    this.#positions = Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * outputs) / count));
    this.#neighbours = new Float64Array(count).fill(Infinity);
  }

  static *measure(geometry: OutputGeometry): Work<TokenSample> {
    const sample = new TokenSample(geometry);
    try {
      yield* sample.#measure();
      return sample;
    } catch (error) {
      sample.dispose();
      throw error;
    }
  }

  measures(): TableMeasures {
    const norms = Float64Array.from(this.#positions, (position) => Math.sqrt(this.#geometry.squaredNorms[position]!));
    return { norm: quantiles(norms), neighbourDistance: quantiles(this.#neighbours) };
  }

  /** Mean over the sampled tokens of P(x|x) under the exponential mechanism: 1 / sum over y of exp(-eta/2 * d(x,
   *  y)). */
  *exponentialUnchanged(eta: number): Work<number> {
    const parts: Tensor1D[] = [];
    try {
      for (const { distances } of this.#stripes) {
        parts.push(tidy(() => tf.reciprocal(tf.sum<Tensor1D>(tf.exp(tf.mul(distances, -eta / 2)), 1))));
        // If the device has a queue, the part is computed only now.
        parts.at(-1)!.dataSync();
        yield;
      }
      const mean = tidy(() => tf.mean(tf.concat(parts)));
      const rate = mean.dataSync()[0]!;
      mean.dispose();
      return rate;
    } finally {
      parts.forEach((part) => part.dispose());
    }
  }

  /** For each draw of noise, the eta above which the laplace mechanism leaves the sampled token unchanged. Ascending.
   *
   *  x stays the nearest token of x + l v while l v.(w - x) < ||w - x||^2 / 2 for every other w, that is for l below
   *  some l*(x, v); and l = g / eta with g ~ Gamma(d, 1). So x is unchanged exactly when eta > g / l*, and the share of
   *  draws below eta is the unchanged rate. */
  *laplaceCriticalEtas(): Work<Float64Array> {
    const { dimensions } = this.#geometry.table;
    const random = seededRandom(0);
    const direction = new Float64Array(dimensions);
    const critical: number[] = [];
    for (let round = 0; round < DIRECTIONS; round++) {
      const directions = new Float32Array(this.#positions.length * dimensions);
      for (let row = 0; row < this.#positions.length; row++) {
        fillDirection(random, direction);
        directions.set(direction, row * dimensions);
        yield;
      }
      for (const longest of yield* this.#longestUnchanged(directions))
        critical.push(gamma(random, dimensions, 1) / longest);
    }
    return Float64Array.from(critical).sort();
  }

  dispose(): void {
    for (const { distances } of this.#stripes) distances.dispose();
  }

  *#measure(): Work<void> {
    const geometry = this.#geometry;
    const outputs = geometry.outputIds.length;
    const most = Math.max(1, Math.floor((isLarge(outputs) ? LARGE_STRIPE_NUMBERS : STRIPE_NUMBERS) / outputs));
    for (let first = 0; first < this.#positions.length; first += most) {
      const positions = this.#positions.subarray(first, first + most);
      const distances = new Float32Array(positions.length * outputs);
      for (let at = 0; at < positions.length; at += BATCH) {
        const batch = positions.subarray(at, at + BATCH);
        const products = yield* geometry.dotProducts(batch.map((position) => geometry.outputIds[position]!));
        for (const [row, position] of batch.entries()) {
          const own = distances.subarray((at + row) * outputs, (at + row + 1) * outputs);
          this.#neighbours[first + at + row] = this.#fillRow(
            position,
            products.subarray(row * outputs, (row + 1) * outputs),
            own,
          );
          yield;
        }
      }
      this.#stripes.push({
        first,
        count: positions.length,
        distances: tf.tensor2d(distances, [positions.length, outputs]),
      });
      yield;
    }
  }

  /** l*(x, v) for each sampled token x and its direction v. */
  *#longestUnchanged(directions: Float32Array): Work<Float32Array> {
    const { dimensions } = this.#geometry.table;
    const ids = this.#positions.map((position) => this.#geometry.outputIds[position]!);
    const own = Float32Array.from(ids, (id, row) =>
      this.#geometry.dotProduct(id, directions.subarray(row * dimensions, (row + 1) * dimensions)),
    );
    const all = new Float32Array(ids.length);
    all.fill(Infinity);
    for (const { first, count, distances } of this.#stripes) {
      const queries = tf.tensor2d(directions.subarray(first * dimensions, (first + count) * dimensions), [
        count,
        dimensions,
      ]);
      try {
        for (const { start, products } of this.#geometry.products(queries)) {
          const longest = tidy(() => {
            const far = tf.slice(distances, [0, start], products.shape);
            const along = tf.sub(products, tf.tensor2d(own.subarray(first, first + count), [count, 1]));
            const length = tf.div(tf.square(far), tf.mul(along, 2));
            const ahead = tf.logicalAnd(tf.greater(along, 0), tf.greater(far, 0));
            return tf.min(tf.where(ahead, length, tf.fill(length.shape, Infinity)), 1);
          });
          longest
            .dataSync<'float32'>()
            .forEach((value, row) => (all[first + row] = Math.min(all[first + row]!, value)));
          longest.dispose();
          products.dispose();
          yield;
        }
      } finally {
        queries.dispose();
      }
    }
    return all;
  }

  // A plain loop: fifteen million distances for a table of 30,000 tokens.
  /** @returns the distance to the nearest other output. */
  #fillRow(position: number, products: Float32Array, distances: Float32Array): number {
    const { squaredNorms } = this.#geometry;
    const own = squaredNorms[position]!;
    let least = Infinity;
    for (let other = 0; other < products.length; other++) {
      const distance = Math.sqrt(Math.max(0, own + squaredNorms[other]! - 2 * products[other]!));
      distances[other] = distance;
      if (distance < least && other !== position) least = distance;
    }
    distances[position] = 0;
    return least;
  }
}
