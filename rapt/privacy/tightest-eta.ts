/** The least eta for which the exponential mechanism's bound holds on a table, over all pairs of tokens.
 *
 *  log P(y|x) - log P(y|x') = -eta/2 (d(x, y) - d(x', y)) + log W(x') - log W(x). By the triangle inequality the first
 *  part is at most eta/2 d(x, x'), and it is that for y = x. So the largest log-ratio of a pair is eta/2 d(x, x') +
 *  |log W(x) - log W(x')|, either way round, and
 *
 *      tightest = eta/2 + max over x, x' of |log W(x) - log W(x')| / d(x, x')
 *
 *  between eta/2, for a table on which all tokens have the same W, and eta. (For a token that is no output the first
 *  part may stay below its bound; what is computed then is no less than the least.)
 *
 *  Which pairs are looked at. With n(x) at most the distance from x to any other token, a pair whose logarithms differ
 *  by D has a ratio of at most D / n(x) and of at most D / n(x'). So once a pair of ratio r is known, only pairs with D
 *  > r n(x) and D > r n(x') can have a larger one. In a table whose tokens lie about equally far from each other these
 *  are few, between tokens of the largest W and of the smallest; the maximum over them is the maximum over all. */
import { join } from 'node:path';
import { cachedNumbers } from '../cache.ts';
import { tf } from '../tensorflow.ts';
import { inTurns, Turns } from '../turns.ts';
import { distanceOf, OutputGeometry, rowsOf, squaredNorms, type EmbeddingTable } from './geometry.ts';
import { productsOf } from './products.ts';
import { computeTotals, tableTotals, type TableTotals } from './totals.ts';
import { levelWeights } from './level-weights.ts';

/** The pairs of so many tokens of the smallest W and of the largest W give the first ratio. */
const FIRST_TOKENS = 128;
const TILE_ROWS = 1024;
const TILE_COLUMNS = 8192;
/** So many digits of eta are told. */
const DIGITS = 4;

export interface TightestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Is called now and then with the share that is done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The least eta for which the bound holds on a table. The first call takes a pass over all pairs of tokens; the answer
 *  is public and kept in the cache. As with eta itself, the bound holds with the mechanism's numerical slack.
 *  @returns at most eta, rounded up.
 *  @throws the signal's reason when aborted. The next call then goes on where this one was. */
export async function tightestEta(
  eta: number,
  table: EmbeddingTable,
  outputIds: Int32Array,
  { signal, onProgress }: TightestOptions = {},
): Promise<number> {
  const name = join('tightest', `${table.sha256}-${outputIds.length}-${eta}.f64`);
  const turns = new Turns(signal);
  const [tightest] = await cachedNumbers(name, 1, Float64Array, async () =>
    Float64Array.of(
      await tightestOf(eta, table, outputIds, await tableTotals(eta, table, outputIds, { turns, onProgress }), turns),
    ),
  );
  return tightest!;
}

/** As `tightestEta`, without the cache. */
export async function computeTightest(eta: number, table: EmbeddingTable, outputIds: Int32Array): Promise<number> {
  const turns = new Turns();
  return tightestOf(eta, table, outputIds, await computeTotals(eta, table, outputIds, { turns }), turns);
}

async function tightestOf(
  eta: number,
  table: EmbeddingTable,
  outputIds: Int32Array,
  totals: TableTotals,
  turns: Turns,
): Promise<number> {
  await inTurns(squaredNorms(table));
  const geometry = new OutputGeometry(table, outputIds);
  // Each log W is off the ideal one by at most a quarter of the slack.
  const steepest = await new SteepestPair(geometry, totals, levelWeights(eta, geometry).slack / 2).find(turns);
  const rounding = 10 ** (DIGITS - 1 - Math.floor(Math.log10(eta)));
  return Math.min(eta, Math.ceil((eta / 2 + steepest) * rounding) / rounding);
}

/** Finds the largest (|log W(x) - log W(x')| - slack) / d(x, x') over all pairs; 0 when no pair's is positive. */
export class SteepestPair {
  /** How many pairs' products were computed. */
  pairs = 0;
  readonly #geometry: OutputGeometry;
  readonly #totals: TableTotals;
  readonly #slack: number;
  #steepest = 0;

  constructor(geometry: OutputGeometry, totals: TableTotals, slack: number) {
    this.#geometry = geometry;
    this.#totals = totals;
    this.#slack = slack;
  }

  async find(turns: Turns): Promise<number> {
    const { logTotals } = this.#totals;
    const rising = Int32Array.from(logTotals.keys()).sort((a, b) => logTotals[a]! - logTotals[b]!);
    const falling = rising.slice().reverse();
    for (const x of rising.subarray(0, FIRST_TOKENS)) {
      for (const other of falling.subarray(0, FIRST_TOKENS)) this.#consider(x, other);
      await turns.next();
    }
    // Tokens that must be compared with the most others come first: they raise the ratio, which spares work on the
    // rest.
    const lows = rising.slice().sort((a, b) => this.#reach(a) - this.#reach(b));
    for (let at = 0; at < lows.length; at += TILE_ROWS)
      await this.#compare(lows.subarray(at, at + TILE_ROWS), falling, turns);
    return this.#steepest;
  }

  /** Only with tokens whose log W lies above this can a token make a larger ratio. */
  #reach(low: number): number {
    return this.#totals.logTotals[low]! + this.#slack + this.#steepest * this.#totals.nearest[low]!;
  }

  /** @param falling all tokens, the one of the largest W first. */
  async #compare(lows: Int32Array, falling: Int32Array, turns: Turns): Promise<void> {
    const { logTotals, nearest } = this.#totals;
    let reach = Infinity;
    let lowest = Infinity;
    for (const low of lows) {
      reach = Math.min(reach, this.#reach(low));
      lowest = Math.min(lowest, logTotals[low]!);
    }
    const end = falling.findIndex((id) => logTotals[id]! <= reach);
    const highs = falling
      .subarray(0, end < 0 ? falling.length : end)
      .filter((high) => logTotals[high]! - lowest - this.#slack > this.#steepest * nearest[high]!);
    for (let at = 0; at < highs.length; at += TILE_COLUMNS) {
      this.#compareTile(lows, highs.subarray(at, at + TILE_COLUMNS));
      await turns.next();
    }
  }

  #compareTile(lows: Int32Array, highs: Int32Array): void {
    const geometry = this.#geometry;
    const { table, squareErrorRate } = geometry;
    const { logTotals } = this.#totals;
    const tensorOf = (ids: Int32Array) => tf.tensor2d(rowsOf(table, ids), [ids.length, table.dimensions]);
    const [rows, columns] = [tensorOf(lows), tensorOf(highs)];
    const products = productsOf(rows, columns);
    for (const tensor of [rows, columns]) tensor.dispose();
    this.pairs += products.length;
    const squares = Float64Array.from(highs, (id) => geometry.squaredNorm(id));
    const norms = squares.map(Math.sqrt);
    const tops = Float64Array.from(highs, (id) => logTotals[id]! - this.#slack);
    let steepestSquare = this.#steepest ** 2;
    for (const [row, low] of lows.entries()) {
      const own = geometry.squaredNorm(low);
      const error = squareErrorRate * geometry.norm(low);
      const bottom = logTotals[low]!;
      for (let at = 0; at < highs.length; at++) {
        const difference = tops[at]! - bottom;
        // Pairs that single precision cannot rule out are computed in double precision.
        const leastSquare = own + squares[at]! - error * norms[at]! - 2 * products[row * highs.length + at]!;
        if (difference <= 0 || difference * difference <= steepestSquare * leastSquare) continue;
        this.#consider(low, highs[at]!);
        steepestSquare = this.#steepest ** 2;
      }
    }
  }

  #consider(low: number, high: number): void {
    const difference = this.#totals.logTotals[high]! - this.#totals.logTotals[low]! - this.#slack;
    if (difference > 0)
      this.#steepest = Math.max(this.#steepest, difference / distanceOf(this.#geometry.table, low, high));
  }
}
