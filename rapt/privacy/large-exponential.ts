/** The exponential mechanism over a large vocabulary, drawn by rejection.
 *
 *  What is drawn is P(y|x) = w(x, y) / W(x) with the integer weights of level-weights.ts and the levels of distances in
 *  DOUBLE precision; exponential.ts says what that guarantees. A table of all levels takes half a megabyte for each
 *  input over 250,000 outputs. Kept instead is, for each block b of 64 outputs, a whole number
 *
 *      M_b(x) >= w(x, y) for every output y of b other than x,
 *
 *  found by products in single precision: the bound on their error is taken off each squared distance first, and
 *  weights fall with distance. x itself, where it is an output, has the weight of distance 0. A draw takes a uniform
 *  integer r below
 *
 *      U(x) = w(x, x) + sum over b of 64 M_b(x).
 *
 *  The first w(x, x) of these integers fall on x. Each block has 64 M_b after them, M_b for each of its places. Of
 *  the integers of output y, the first w(x, y) fall on y and the others on none. Integers for x's own place, or past
 *  the last output, fall on none. An r that falls on none is thrown away, and the draw begins anew.
 *
 *  Proof. The integers that fall on y are exactly w(x, y) out of U(x), whatever the bounds are, as long as they are
 *  bounds. So a round ends with y with the chance w(x, y) / U(x), and with none with the chance 1 - W(x) / U(x). Rounds
 *  are independent. So the answer is y with the chance w(x, y) / U(x) / (W(x) / U(x)) = P(y|x), exactly. The bounds
 *  decide about time alone, and each weight that is looked at is held against its bound. Nothing depends on the order
 *  in which the device sums up, so the distribution is the same on every machine. */
import { createHash } from 'node:crypto';
import { atOnce, type Work } from '../turns.ts';
import type { OutputGeometry } from './geometry.ts';
import type { Sampler } from './mechanism.ts';
import type { RandomSource } from './random-source.ts';
import { uniformInteger } from './number-samplers.ts';
import { KeptTables } from './kept-tables.ts';
import { blockOf, HeldTables, placesOf } from './token-tables.ts';
import { LEVELS, levelWeights, type LevelWeights } from './level-weights.ts';

/** Outputs of a block. A round of a draw computes one distance. As many rounds are needed as the blocks' largest
 *  weights lie above their mean weights. */
const BLOCK = 64;
/** The bounds of so many inputs are made together. */
const BATCH_TYPES = 128;
/** The more tokens are given at once, the more places each table serves. */
const BATCH_TOKENS = 2 ** 20;
const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;
/** Some thousand times the rounding of a squared distance, or of a level, in double precision. */
const DOUBLE_MARGIN = 2 ** -20;

export class LargeExponentialSampler implements Sampler {
  readonly numericalSlack: number;
  /** Draws are exact. */
  readonly numericalDelta = 0;
  readonly batchTokens = BATCH_TOKENS;
  /** How many tables were made so far. A table that was held or kept is not counted again. */
  tablesMade = 0;
  /** How many integers fell on no output. */
  rejected = 0;
  readonly #eta: number;
  readonly #geometry: OutputGeometry;
  readonly #random: RandomSource;
  readonly #levels: LevelWeights;
  /** The bounds M_b(x) of each input. [blocks] each */
  readonly #held: HeldTables<Float32Array>;
  #kept: KeptTables | null = null;

  constructor(eta: number, geometry: OutputGeometry, random: RandomSource, cacheBytes = DEFAULT_CACHE_BYTES) {
    this.#eta = eta;
    this.#geometry = geometry;
    this.#random = random;
    this.#levels = levelWeights(eta, geometry);
    this.numericalSlack = this.#levels.slack;
    this.#held = new HeldTables(Math.floor(cacheBytes / (4 * this.blocks)));
  }

  get blocks(): number {
    return Math.ceil(this.#geometry.outputIds.length / BLOCK);
  }

  *keepingTables(folder: string): Work<void> {
    const { table, outputIds } = this.#geometry;
    const outputs = createHash('sha256')
      .update(new Uint8Array(outputIds.buffer, outputIds.byteOffset, outputIds.byteLength))
      .digest('hex');
    const name = ['exponential', table.sha256, outputs, this.#eta, BLOCK, LEVELS].join(' ');
    this.keepIn(yield* KeptTables.open(folder, name, this.blocks));
  }

  keepIn(tables: KeptTables): void {
    this.#kept?.close();
    this.#kept = tables;
  }

  close(): void {
    this.#kept?.close();
    this.#kept = null;
  }

  *privatizing(ids: Int32Array): Work<Int32Array> {
    const places = placesOf(ids);
    const noisy = new Int32Array(ids.length);
    const missing: number[] = [];
    for (const id of places.keys()) {
      const bounds = this.#held.get(id) ?? this.#kept?.read(id) ?? null;
      if (bounds === null) missing.push(id);
      else yield* this.#answering(id, bounds, places.get(id)!, noisy);
      yield;
    }
    for (let at = 0; at < missing.length; at += BATCH_TYPES) {
      const batch = Int32Array.from(missing.slice(at, at + BATCH_TYPES));
      const tables = yield* this.#making(batch);
      for (const [row, id] of batch.entries()) yield* this.#answering(id, tables[row]!, places.get(id)!, noisy);
    }
    return noisy;
  }

  /** M_b(x) of each block b. */
  bounds(id: number): Float32Array {
    return atOnce(this.#making(Int32Array.of(id)))[0]!;
  }

  /** w(x, y) of an output, by its position. */
  weight(id: number, output: number): number {
    const { weights, step } = this.#levels;
    const scaled = this.#geometry.distance(id, output) * (1 / step) + 0.5;
    return weights[scaled < LEVELS - 1 ? scaled | 0 : LEVELS - 1]!;
  }

  *#answering(id: number, bounds: Float32Array, places: readonly number[], noisy: Int32Array): Work<void> {
    this.#held.hold(id, bounds);
    const own = this.#geometry.position(id);
    // The sum before each block, then of all blocks.
    const sums = new Float64Array(bounds.length + 1);
    sums[0] = own === null ? 0 : this.#levels.weights[0]!;
    for (let block = 0; block < bounds.length; block++) sums[block + 1] = sums[block]! + BLOCK * bounds[block]!;
    yield;
    for (const place of places) {
      noisy[place] = this.#geometry.outputIds[this.#draw(id, own, bounds, sums)]!;
      yield;
    }
  }

  /** @returns a position among the outputs. */
  #draw(id: number, own: number | null, bounds: Float32Array, sums: Float64Array): number {
    const outputs = this.#geometry.outputIds.length;
    for (;;) {
      const drawn = uniformInteger(this.#random, sums.at(-1)!);
      if (own !== null && drawn < sums[0]!) return own;
      const block = blockOf(sums, drawn);
      const rest = drawn - sums[block]!;
      const bound = bounds[block]!;
      const output = block * BLOCK + Math.floor(rest / bound);
      if (output < outputs && output !== own) {
        const weight = this.weight(id, output);
        if (weight > bound) throw new Error('a table of the sampler is not a bound');
        if (rest % bound < weight) return output;
      }
      this.rejected++;
    }
  }

  *#making(ids: Int32Array): Work<Float32Array[]> {
    const tables = Array.from(ids, () => new Float32Array(this.blocks));
    yield* this.#geometry.productsByTile(ids, (row, products, start) =>
      this.#bound(ids[row]!, products, start, tables[row]!),
    );
    this.tablesMade += ids.length;
    this.#kept?.append(ids, tables);
    yield;
    return tables;
  }

  // This loop runs over all outputs for each new input, and takes much of the time of a first pass.
  /** @param start position of the first product's output, at the beginning of a block. */
  #bound(id: number, products: Float32Array, start: number, table: Float32Array): void {
    const { squaredNorms, norms, squareErrorRate } = this.#geometry;
    const { weights, step } = this.#levels;
    const self = (this.#geometry.position(id) ?? -1) - start;
    const own = this.#geometry.squaredNorm(id);
    // The largest error of a squared distance for each unit of the output's norm, and what double precision adds to it.
    const error = squareErrorRate * (1 + DOUBLE_MARGIN) * this.#geometry.norm(id);
    for (let at = 0; at < products.length;) {
      const end = Math.min(products.length, at + BLOCK);
      const block = (start + at) / BLOCK;
      let least = Infinity;
      for (; at < end; at++) {
        const square = own + squaredNorms[start + at]! - error * norms[start + at]! - 2 * products[at]!;
        if (square < least && at !== self) least = square;
      }
      // A block that holds x alone has no other output.
      const scaled = least > 0 ? Math.sqrt(least) / step + (0.5 - DOUBLE_MARGIN) : 0;
      table[block] = roundedUp(weights[scaled < LEVELS - 1 ? scaled | 0 : LEVELS - 1]!);
    }
  }
}

/** A whole number of single precision that is at least `sum`. From 2^23 on all such numbers are whole, and below 2^23
 *  every whole number is one. */
function roundedUp(sum: number): number {
  const rounded = Math.fround(sum);
  return rounded >= sum ? rounded : Math.fround(sum * (1 + 2 ** -23));
}
