/** The exponential mechanism on embedding distances, in closed form.
 *
 *  P(y|x) = w(x, y) / W(x), W(x) = sum of w(x, y) over the output tokens, w(x, y) close to exp(-eta/2 * ||phi(x) -
 *  phi(y)||_2) (McSherry and Talwar, FOCS 2007, with the distance as the score).
 *
 *  Guarantee. If log w(., y) changes by at most eta/2 * ||phi(x) - phi(x')|| between two inputs, for every y, then so
 *  does log W, being the logarithm of a sum of such terms; the log-ratio of P(y|x) to P(y|x') is at most eta * ||phi(x)
 *  - phi(x')||. For the ideal weight the triangle inequality gives the premise.
 *
 *  What is drawn is not the ideal but exactly this: distances are cut at D and rounded to multiples of D / 65535, and
 *  each of these values has one INTEGER weight, of at least 2^10. A draw is then a uniform integer below W(x), exact.
 *  Cutting keeps the premise, min(., D) being 1-Lipschitz. Each log-weight is off the ideal by no more than
 *      e = eta/2 * (rounding of the distance + error of the computed distance) + rounding of the integer,
 *  so the log-ratio of two outputs' probabilities is off by at most 4 e (weight and sum, for x and for x'): the
 *  published slack.
 *
 *  A large vocabulary is drawn from by the same weights in another way: large-exponential.ts. */
import { atOnce, type Work } from '../turns.ts';
import type { OutputGeometry } from './geometry.ts';
import type { Sampler } from './mechanism.ts';
import type { RandomSource } from './random-source.ts';
import { uniformInteger } from './number-samplers.ts';
import { blockOf, HeldTables, placesOf } from './token-tables.ts';
import { LEVELS, levelWeights, type LevelWeights } from './level-weights.ts';

/** The weights of so many outputs are summed beforehand. A draw finds its block first, then its place in the block. */
const BLOCK = 128;
/** The tables of so many inputs are made together. */
const BATCH_TYPES = 128;
const BATCH_TOKENS = 2 ** 14;
const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;

/** The distribution of one input token. */
interface TypeTable {
  /** The level of each output's distance. [outputs] */
  readonly levels: Uint16Array;
  /** The sum of the weights before each block, then of all weights. [blocks + 1] */
  readonly sums: Float64Array;
}

export class ExponentialSampler implements Sampler {
  readonly numericalSlack: number;
  /** Draws are exact. */
  readonly numericalDelta = 0;
  readonly batchTokens = BATCH_TOKENS;
  /** How many tables were made so far. A cached table is not counted again. */
  tablesMade = 0;
  readonly #geometry: OutputGeometry;
  readonly #random: RandomSource;
  readonly #levels: LevelWeights;
  readonly #held: HeldTables<TypeTable>;

  constructor(eta: number, geometry: OutputGeometry, random: RandomSource, cacheBytes = DEFAULT_CACHE_BYTES) {
    this.#geometry = geometry;
    this.#random = random;
    const { outputIds } = geometry;
    this.#levels = levelWeights(eta, geometry);
    this.numericalSlack = this.#levels.slack;
    const tableBytes = outputIds.length * 2 + (outputIds.length / BLOCK + 2) * 8;
    this.#held = new HeldTables(Math.floor(cacheBytes / tableBytes));
  }

  /** How many tables are held now. */
  get cachedTypes(): number {
    return this.#held.size;
  }

  privatize(ids: Int32Array): Int32Array {
    return atOnce(this.privatizing(ids));
  }

  *privatizing(ids: Int32Array): Work<Int32Array> {
    const places = placesOf(ids);
    const noisy = new Int32Array(ids.length);
    const answer = (id: number, table: TypeTable): void => {
      this.#held.hold(id, table);
      for (const place of places.get(id)!) noisy[place] = this.#geometry.outputIds[this.#draw(table)]!;
    };
    const missing: number[] = [];
    for (const id of places.keys()) {
      const table = this.#held.get(id);
      if (table === undefined) missing.push(id);
      else answer(id, table);
      yield;
    }
    yield* this.#makeTables(Int32Array.from(missing), answer);
    return noisy;
  }

  /** P(y|x) for every output y, in the order of the output ids, as it is drawn from. */
  probabilities(id: number): Float64Array {
    let found: TypeTable | undefined;
    atOnce(this.#makeTables(Int32Array.of(id), (_, table) => (found = table)));
    const { levels, sums } = found!;
    return Float64Array.from(levels, (level) => this.#levels.weights[level]! / sums.at(-1)!);
  }

  /** In their order. */
  *#makeTables(ids: Int32Array, onTable: (id: number, table: TypeTable) => void): Work<void> {
    const outputs = this.#geometry.outputIds.length;
    for (let at = 0; at < ids.length; at += BATCH_TYPES) {
      const batch = ids.subarray(at, at + BATCH_TYPES);
      const products = yield* this.#geometry.dotProducts(batch);
      for (const [row, id] of batch.entries()) {
        const levels = this.#levelsOf(id, products.subarray(row * outputs, (row + 1) * outputs));
        const sums = this.#sumsOf(levels);
        this.tablesMade++;
        onTable(id, { levels, sums });
        yield;
      }
    }
  }

  // The two loops below run over all outputs for each new input type, and are most of the time of a first pass.

  #levelsOf(id: number, products: Float32Array): Uint16Array {
    const geometry = this.#geometry;
    const { squaredNorms, norms } = geometry;
    const own = geometry.squaredNorm(id);
    const ownNorm = geometry.norm(id);
    const { nearQuadratic, nearLinear, step } = this.#levels;
    // Nearness of level-weights.ts, for t = ownNorm * norms[output].
    const quadratic = nearQuadratic * ownNorm * ownNorm;
    const linear = nearLinear * ownNorm;
    const scale = 1 / step;
    const most = LEVELS - 1;
    const levels = new Uint16Array(products.length);
    for (let output = 0; output < products.length; output++) {
      const square = own + squaredNorms[output]! - 2 * products[output]!;
      const norm = norms[output]!;
      const isFar = square > norm * (quadratic * norm + linear);
      const distance = isFar ? Math.sqrt(square) : geometry.distance(id, output);
      const scaled = distance * scale + 0.5;
      levels[output] = scaled < most ? scaled : most;
    }
    return levels;
  }

  #sumsOf(levels: Uint16Array): Float64Array {
    const { weights } = this.#levels;
    const sums = new Float64Array(Math.ceil(levels.length / BLOCK) + 1);
    let sum = 0;
    for (let block = 0; block + 1 < sums.length; block++) {
      sums[block] = sum;
      const end = Math.min(levels.length, (block + 1) * BLOCK);
      for (let output = block * BLOCK; output < end; output++) sum += weights[levels[output]!]!;
    }
    sums[sums.length - 1] = sum;
    return sums;
  }

  #draw({ levels, sums }: TypeTable): number {
    const drawn = uniformInteger(this.#random, sums.at(-1)!);
    const block = blockOf(sums, drawn);
    let rest = drawn - sums[block]!;
    let output = block * BLOCK;
    for (;;) {
      const weight = this.#levels.weights[levels[output]!]!;
      if (rest < weight) return output;
      rest -= weight;
      output++;
    }
  }
}
