/** How exactly a share is told to those who must not learn what it is made of.
 *
 *  What whole numbers would give away, and what stops it here:
 *  - Differences: whoever chooses the answers, or may add a text, asks twice, with one row or text changed, and reads
 *    that one from the difference of the two shares. A step is as wide as 5 rows, so most such pairs of answers get the
 *    same figure.
 *  - Small sets: of one row, a share is the row. Below 20 rows or texts, steps of 5 would leave fewer than five
 *    different answers, and each of them would say more of its rows than of the service: nothing is told. 500 tokens in
 *    20 texts are 25 a text, as sentences have: fewer, and single tokens show again.
 *  - Many digits: a share of n to four digits is a fingerprint of n and of the count. Steps come from a short list, and
 *    none is finer than 0.01, the sampling error of an accuracy over 2,500 rows: more digits would tell of these rows
 *    and not of the service.
 *
 *  Steps slow down whoever asks many times, and bound nothing: near an edge one row decides which step is told. What
 *  bounds it is noise, paid for from a budget (rapt/client/grade.ts). */
import type { Rate } from '../../contracts/index.ts';

/** Below these nothing is told. */
export const LEAST = { rows: 20, texts: 20, tokens: 500 } as const;
/** Rows, or texts, that the smallest difference between two figures stands for. */
const ROWS_OF_A_STEP = 5;
/** In hundredths. The widest is 5 of the least 20. */
const STEPS = [1, 2, 5, 10, 20, 25] as const;

/** The step in which a share of n rows or texts is told, in hundredths. @param n at least `LEAST.rows`. */
function stepOf(n: number): number {
  const step = STEPS.find((one) => one * n >= 100 * ROWS_OF_A_STEP);
  if (step === undefined) throw new RangeError(`a share of ${n} is not told`);
  return step;
}

/** A share of n rows or texts to the nearest step. @param n at least `LEAST.rows`. */
export const toldShare = (share: number, n: number): number => inSteps(share, n, Math.round);

/** A rate over tokens of so many texts, its interval widened to whole steps. */
export const toldRate = ({ value, low, high }: Rate, texts: number): Rate => ({
  value: toldShare(value, texts),
  low: inSteps(low, texts, Math.floor),
  high: inSteps(high, texts, Math.ceil),
});

function inSteps(share: number, n: number, toWhole: (steps: number) => number): number {
  const step = stepOf(n);
  // 0.29 * 100 is 28.999999999999996 to a computer.
  const steps = toWhole(Number(((share * 100) / step).toPrecision(12)));
  return Math.min(100, Math.max(0, steps * step)) / 100;
}

/** Why a figure over test rows is not told; null when it is. */
export const tooFewRows = (n: number): string | null =>
  n < LEAST.rows ? `not told: fewer than ${LEAST.rows} test rows` : null;

/** Why a rate over the tokens of texts is not told; null when it is. */
export function tooFewTexts({ texts, tokens }: { readonly texts: number; readonly tokens: number }): string | null {
  if (texts < LEAST.texts) return `not told: fewer than ${LEAST.texts} texts`;
  return tokens < LEAST.tokens ? `not told: fewer than ${LEAST.tokens} tokens` : null;
}
