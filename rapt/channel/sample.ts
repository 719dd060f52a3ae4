/** Draws tokens from a prior. */
import { uniform, type RandomSource } from '../privacy/index.ts';

/** @returns `count` independent ids of tokens. @param prior P(x), which need not sum to 1. */
export function drawFrom(prior: Float64Array, count: number, random: RandomSource): Int32Array {
  const sums = new Float64Array(prior.length);
  let total = 0;
  prior.forEach((p, id) => (sums[id] = total += p));
  return Int32Array.from({ length: count }, () => {
    const drawn = uniform(random) * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}
