/** The least eta for which the exponential mechanism's bound holds on a table, over all pairs of tokens.
 *
 *  log P(y|x) - log P(y|x') = -eta/2 (d(x, y) - d(x', y)) + log W(x') - log W(x). By the triangle inequality the first part is at most eta/2 d(x, x'), and
 *  it is that for y = x. So the largest log-ratio of a pair is eta/2 d(x, x') + |log W(x) - log W(x')|, either way round, and
 *
 *      tightest = eta/2 + max over x, x' of |log W(x) - log W(x')| / d(x, x')
 *
 *  between eta/2, for a table on which all tokens have the same W, and eta. (For a token that is no output the first part may stay below its bound; what is
 *  computed then is no less than the least.) */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { cachedNumbers } from '../cache.ts';
import { ExponentialSampler } from './exponential.ts';
import { OutputGeometry, type EmbeddingTable } from './geometry.ts';
import { systemRandom } from './random.ts';

const BATCH = 128;
/** Below this squared distance single precision would tell; those pairs are computed in double precision. */
const NEAR_SQUARE = 0.01;
/** Digits that are told. */
const DIGITS = 4;

/** Takes two passes over all pairs of tokens the first time; the answer is public and kept in the cache. With it the bound holds with the mechanism's
 *  numerical slack, as with eta itself. @returns at most eta, rounded up. */
export async function tightestEta(eta: number, table: EmbeddingTable, outputIds: Int32Array): Promise<number> {
  const name = join('tightest', `${table.sha256}-${outputIds.length}-${eta}.f64`);
  const [tightest] = await cachedNumbers(name, 1, Float64Array, async () => Float64Array.of(await computeTightest(eta, table, outputIds)));
  return tightest!;
}

/** As `tightestEta`, without the cache. */
export async function computeTightest(eta: number, table: EmbeddingTable, outputIds: Int32Array): Promise<number> {
  const ids = Int32Array.from({ length: table.rows }, (_, id) => id);
  const geometry = new OutputGeometry(table, outputIds);
  const all = new OutputGeometry(table, ids);
  try {
    const sampler = new ExponentialSampler(eta, geometry, systemRandom);
    const logTotals = await sampler.logTotals(ids);
    // Each log W is off the ideal by a quarter of the slack at most.
    const steepest = await steepestPair(all, logTotals, sampler.numericalSlack / 2);
    const rounding = 10 ** (DIGITS - 1 - Math.floor(Math.log10(eta)));
    return Math.min(eta, Math.ceil((eta / 2 + steepest) * rounding) / rounding);
  } finally {
    geometry.dispose();
    all.dispose();
  }
}

/** Largest (|a(x) - a(x')| - slack) / d(x, x') over all pairs; 0 when none is positive. */
async function steepestPair(all: OutputGeometry, values: Float64Array, slack: number): Promise<number> {
  const rows = values.length;
  const squares = all.squaredNorms;
  let steepestSquare = 0;
  for (let at = 0; at < rows; at += BATCH) {
    const batch = all.outputIds.subarray(at, Math.min(rows, at + BATCH));
    const products = all.dotProducts(batch);
    for (const [row, x] of batch.entries())
      // A plain loop: half a billion pairs for a table of 30,000 tokens.
      for (let other = x + 1; other < rows; other++) {
        const difference = Math.abs(values[x]! - values[other]!) - slack;
        if (difference <= 0) continue;
        let square = squares[x]! + squares[other]! - 2 * products[row * rows + other]!;
        if (square < NEAR_SQUARE) square = all.distance(x, other) ** 2;
        if (difference * difference > steepestSquare * square) steepestSquare = (difference * difference) / square;
      }
    await nextTurn();
  }
  return Math.sqrt(steepestSquare);
}
