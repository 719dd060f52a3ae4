/** Whether one of two classifiers is better, or it was chance. */
import { wilsonInterval, Z95, type Interval } from './metrics.ts';

/** Chance at which a difference of this size is no longer put down to chance. */
const ALPHA = 0.05;

/** The second accuracy less the first, with its 95 % interval. */
export interface Difference extends Interval {
  readonly value: number;
  /** Chance of a difference at least as large between equally good classifiers; null where the interval alone
   *  decides. */
  readonly p: number | null;
  readonly test: 'mcnemar' | 'proportions';
  readonly moreThanChance: boolean;
}

/** Two classifiers on the SAME rows: only rows that one got right and the other wrong tell anything, and each would
 *  fall either way with equal chance, so their split is binomial (McNemar, Psychometrika 12, 1947; exact, not its
 *  chi-square). The interval adds half a row to each of the four cells (Agresti and Min, Statistics in Medicine 24,
 *  2005).
 *  @param first,second whether each row was right. @throws RangeError when they differ in length. */
export function pairedDifference(first: readonly boolean[], second: readonly boolean[]): Difference {
  const n = first.length;
  if (n === 0 || n !== second.length) throw new RangeError(`${n} answers do not pair with ${second.length}`);
  let lost = 0;
  let won = 0;
  for (let row = 0; row < n; row++) {
    if (first[row] === second[row]) continue;
    if (first[row]) lost++;
    else won++;
  }
  const p = signTest(Math.min(lost, won), lost + won);
  const rows = n + 2;
  const centre = (won - lost) / rows;
  const half = Z95 * Math.sqrt(((won + lost + 1) / rows - centre * centre) / rows);
  return {
    value: (won - lost) / n,
    low: Math.max(-1, centre - half),
    high: Math.min(1, centre + half),
    p,
    test: 'mcnemar',
    moreThanChance: p < ALPHA,
  };
}

/** Two classifiers on different rows, or rows that are not at hand: Newcombe's interval of the difference of two
 *  independent proportions, made of their Wilson intervals (Statistics in Medicine 17, 1998, method 10). Where both
 *  answered the same rows it is wider than need be. */
export function unpairedDifference(
  first: { accuracy: number; n: number },
  second: { accuracy: number; n: number },
): Difference {
  const a = wilsonInterval(first.accuracy, first.n);
  const b = wilsonInterval(second.accuracy, second.n);
  const value = second.accuracy - first.accuracy;
  const low = value - Math.hypot(second.accuracy - b.low, a.high - first.accuracy);
  const high = value + Math.hypot(b.high - second.accuracy, first.accuracy - a.low);
  return { value, low, high, p: null, test: 'proportions', moreThanChance: low > 0 || high < 0 };
}

/** Two-sided: twice the chance of at most `fewer` heads among `of` throws of a fair coin. */
function signTest(fewer: number, of: number): number {
  let logTerm = -of * Math.LN2;
  let tail = 0;
  for (let heads = 0; heads <= fewer; heads++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((of - heads) / (heads + 1));
  }
  return Math.min(1, 2 * tail);
}
