/** Tells a count under differential privacy, by the two-sided geometric mechanism (Ghosh, Roughgarden and Sundararajan,
 *  STOC 2009).
 *
 *  To the count, which one person changes by at most 1, an integer k is added with probability (1 - a) / (1 + a)
 *  a^|k|. Two neighbouring counts give the same answer with probabilities whose ratio is a or 1/a at most:
 *  eps-differential privacy when a >= e^-eps.
 *
 *  What is drawn, in integers alone: a = (floor(e^-eps 2^50) + 2) / 2^50, at most 1. Math.exp is within one unit in
 *  the last place, 2^-53 e^-eps, so the numerator is above e^-eps 2^50, and the guarantee holds as it stands. A
 *  magnitude g is the number of successes, each of chance a, before the first failure: P(g) = (1 - a) a^g. A fair sign
 *  is drawn with it, and the pair is drawn again when it is a negative zero, so that zero is not counted twice: P(0) ~
 *  (1 - a) / 2 and P(k) ~ (1 - a) a^|k| / 2, each divided by what is kept, 1 - (1 - a) / 2 = (1 + a) / 2 (Canonne,
 *  Kamath and Steinke, NeurIPS 2020, section 5.2).
 *
 *  The answer is clamped to what a count can be, which is made of the noisy one alone. A magnitude that reaches the
 *  range's width is not drawn further, since any larger one is clamped to the same end: so a tiny epsilon takes no
 *  longer than the range. */
import { systemRandom, type RandomSource } from './random-source.ts';
import { uniformInteger } from './number-samplers.ts';

const WEIGHT = 2 ** 50;

/** A count from 0 to `most`, told under this epsilon and clamped to the same range. @param epsilon above 0. */
export function noisyCount(count: number, most: number, epsilon: number, random: RandomSource = systemRandom): number {
  if (!(epsilon > 0)) throw new RangeError(`a noisy count needs an epsilon above 0, not ${epsilon}`);
  if (!(Number.isInteger(count) && count >= 0 && count <= most))
    throw new RangeError(`${count} is no count of 0 to ${most}`);
  return Math.min(most, Math.max(0, count + twoSidedGeometric(epsilon, most, random)));
}

/** Magnitudes above `most` are given as `most`. */
function twoSidedGeometric(epsilon: number, most: number, random: RandomSource): number {
  const again = Math.min(WEIGHT, Math.floor(Math.exp(-epsilon) * WEIGHT) + 2);
  for (;;) {
    const isNegative = uniformInteger(random, 2) === 1;
    let magnitude = 0;
    while (magnitude < most && uniformInteger(random, WEIGHT) < again) magnitude++;
    if (magnitude > 0) return isNegative ? -magnitude : magnitude;
    if (!isNegative) return 0;
  }
}
