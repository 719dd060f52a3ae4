/** The exponential mechanism on embedding distances, in closed form.
 *
 *  P(y|x) = w(x, y) / W(x), W(x) = sum of w(x, y) over the output tokens, w(x, y) close to exp(-eta/2 * ||phi(x) - phi(y)||_2)
 *  (McSherry and Talwar, FOCS 2007, with the distance as the score).
 *
 *  Guarantee. If log w(., y) changes by at most eta/2 * ||phi(x) - phi(x')|| between two inputs, for every y, then so does log W, being the
 *  logarithm of a sum of such terms; the log-ratio of P(y|x) to P(y|x') is at most eta * ||phi(x) - phi(x')||. For the ideal weight the
 *  triangle inequality gives the premise.
 *
 *  What is drawn is not the ideal but exactly this: distances are cut at D and rounded to multiples of D / 65535, and each of these values
 *  has one INTEGER weight, of at least 2^10. A draw is then a uniform integer below W(x), exact. Cutting keeps the premise, min(., D)
 *  being 1-Lipschitz. Each log-weight is off the ideal by no more than
 *      e = eta/2 * (rounding of the distance + error of the computed distance) + rounding of the integer,
 *  so the log-ratio of two outputs' probabilities is off by at most 4 e (weight and sum, for x and for x'): the published slack. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OutputGeometry } from './geometry.ts';
import type { Sampler } from './mechanism.ts';
import type { RandomSource } from './random.ts';
import { uniformInteger } from './samplers.ts';

const LEVELS = 2 ** 16;
const LEAST_WEIGHT = 2 ** 10;
/** Weights of so many outputs are summed up beforehand: a draw finds its block first, then its place in the block. */
const BLOCK = 128;
/** Inputs whose tables are made together. */
const BATCH_TYPES = 128;
const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;
/** Distances below the one at which single precision would add more than this to e are computed anew in double precision. */
const DISTANCE_ERROR_BUDGET = 2 ** -8;

/** One input token's distribution. */
interface TypeTable {
  /** Level of each output's distance. [outputs] */
  readonly levels: Uint16Array;
  /** Sum of the weights before each block, and in all. [blocks + 1] */
  readonly sums: Float64Array;
}

export class ExponentialSampler implements Sampler {
  readonly numericalSlack: number;
  /** Draws are exact. */
  readonly numericalDelta = 0;
  /** Tables made so far, the cached ones not counted again. */
  tablesMade = 0;
  readonly #geometry: OutputGeometry;
  readonly #random: RandomSource;
  /** Weight of each level. Integers; a sum over all outputs stays below 2^53, where doubles are exact. */
  readonly #weights: Float64Array;
  readonly #step: number;
  /** Below this squared distance single precision is not enough. */
  readonly #nearSquare: number;
  /** Oldest use first. */
  readonly #cache = new Map<number, TypeTable>();
  readonly #cachedTypes: number;

  constructor(eta: number, geometry: OutputGeometry, random: RandomSource, cacheBytes = DEFAULT_CACHE_BYTES) {
    this.#geometry = geometry;
    this.#random = random;
    const { outputIds, table } = geometry;
    const peak = 2 ** (52 - Math.ceil(Math.log2(outputIds.length)));
    let mostSquare = 0;
    for (let id = 0; id < table.rows; id++) mostSquare = Math.max(mostSquare, geometry.squaredNorm(id));
    const mostNorm = Math.sqrt(mostSquare);
    const mostDistance = mostNorm + geometry.mostNorm;
    // Beyond this distance every weight would be the least one.
    const cut = Math.min(mostDistance, (2 / eta) * Math.log(peak / LEAST_WEIGHT));
    this.#step = cut / (LEVELS - 1);
    this.#weights = Float64Array.from({ length: LEVELS }, (_, level) => Math.max(LEAST_WEIGHT, Math.round(peak * Math.exp((-eta / 2) * level * this.#step))));

    // d = sqrt(s) with s off by 2 * error of the product: d is off by at most that over d.
    const squareError = 2 * geometry.dotProductError(mostNorm);
    const near = Math.max((eta / 2) * squareError / DISTANCE_ERROR_BUDGET, 2 * Math.sqrt(squareError));
    this.#nearSquare = near * near + squareError;
    const distanceError = squareError / near;
    this.numericalSlack = 4 * ((eta / 2) * (this.#step / 2 + distanceError) + 1 / (2 * LEAST_WEIGHT - 1));
    const tableBytes = outputIds.length * 2 + (outputIds.length / BLOCK + 2) * 8;
    this.#cachedTypes = Math.max(1, Math.floor(cacheBytes / tableBytes));
  }

  /** Tables held now. */
  get cachedTypes(): number {
    return this.#cache.size;
  }

  privatize(ids: Int32Array): Int32Array {
    const places = new Map<number, number[]>();
    ids.forEach((id, place) => {
      const known = places.get(id);
      if (known) known.push(place);
      else places.set(id, [place]);
    });
    const noisy = new Int32Array(ids.length);
    const answer = (id: number, table: TypeTable): void => {
      for (const place of places.get(id)!) noisy[place] = this.#geometry.outputIds[this.#draw(table)]!;
    };
    const missing: number[] = [];
    for (const id of places.keys()) {
      const table = this.#cache.get(id);
      if (table === undefined) missing.push(id);
      else {
        this.#keep(id, table);
        answer(id, table);
      }
    }
    for (let at = 0; at < missing.length; at += BATCH_TYPES) {
      const batch = Int32Array.from(missing.slice(at, at + BATCH_TYPES));
      this.#makeTables(batch, (id, table) => {
        this.#keep(id, table);
        answer(id, table);
      });
    }
    return noisy;
  }

  /** P(y|x) for every output y, in the order of the output ids, as it is drawn from. */
  probabilities(id: number): Float64Array {
    let found: TypeTable | undefined;
    this.#makeTables(Int32Array.of(id), (_, table) => (found = table));
    const { levels, sums } = found!;
    return Float64Array.from(levels, (level) => this.#weights[level]! / sums.at(-1)!);
  }

  /** log W(x), of the weights that are drawn from. */
  async logTotals(ids: Int32Array): Promise<Float64Array> {
    const totals = new Float64Array(ids.length);
    let done = 0;
    for (let at = 0; at < ids.length; at += BATCH_TYPES) {
      this.#makeTables(ids.subarray(at, at + BATCH_TYPES), (_, { sums }) => (totals[done++] = Math.log(sums.at(-1)!)));
      await nextTurn();
    }
    return totals;
  }

  #keep(id: number, table: TypeTable): void {
    this.#cache.delete(id);
    this.#cache.set(id, table);
    if (this.#cache.size <= this.#cachedTypes) return;
    const [oldest] = this.#cache.keys();
    if (oldest !== undefined) this.#cache.delete(oldest);
  }

  #makeTables(ids: Int32Array, onTable: (id: number, table: TypeTable) => void): void {
    const geometry = this.#geometry;
    const products = geometry.dotProducts(ids);
    for (const [row, id] of ids.entries()) {
      const levels = this.#levelsOf(id, products.subarray(row * geometry.outputIds.length, (row + 1) * geometry.outputIds.length));
      const sums = this.#sumsOf(levels);
      this.tablesMade++;
      onTable(id, { levels, sums });
    }
  }

  // The two loops below run over all outputs for each new input type, and are most of the time of a first pass.

  #levelsOf(id: number, products: Float32Array): Uint16Array {
    const geometry = this.#geometry;
    const { squaredNorms } = geometry;
    const own = geometry.squaredNorm(id);
    const near = this.#nearSquare;
    const scale = 1 / this.#step;
    const most = LEVELS - 1;
    const levels = new Uint16Array(products.length);
    for (let output = 0; output < products.length; output++) {
      const square = own + squaredNorms[output]! - 2 * products[output]!;
      const distance = square > near ? Math.sqrt(square) : geometry.distance(id, output);
      const scaled = distance * scale + 0.5;
      levels[output] = scaled < most ? scaled : most;
    }
    return levels;
  }

  #sumsOf(levels: Uint16Array): Float64Array {
    const weights = this.#weights;
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
    // The last block whose sum before it is at most the drawn number.
    let low = 0;
    let high = sums.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (sums[middle]! <= drawn) low = middle;
      else high = middle;
    }
    let rest = drawn - sums[low]!;
    let output = low * BLOCK;
    for (;;) {
      const weight = this.#weights[levels[output]!]!;
      if (rest < weight) return output;
      rest -= weight;
      output++;
    }
  }
}
