/** Tests of distribution. All samples of these tests are seeded, so a test passes always or never; ALPHA is the chance
 *  that a correct sampler would have failed for the seed at hand. */
export const ALPHA = 1e-4;

/** Kolmogorov-Smirnov distance between a sample and a distribution function. */
export function ksDistance(sample: readonly number[], cdf: (x: number) => number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted.reduce(
    (most, x, i) => Math.max(most, Math.abs(cdf(x) - i / sorted.length), Math.abs(cdf(x) - (i + 1) / sorted.length)),
    0,
  );
}

/** What the distance exceeds with probability at most alpha (Dvoretzky, Kiefer and Wolfowitz; Massart's constant,
 *  1990). */
export const ksLimit = (n: number, alpha = ALPHA): number => Math.sqrt(Math.log(2 / alpha) / (2 * n));

/** Pearson's statistic; cells of fewer than 5 expected counts are joined. */
export function chiSquare(
  counts: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): { statistic: number; degrees: number } {
  const n = Array.from(counts).reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  let cells = 0;
  let restCount = 0;
  let restExpected = 0;
  for (let i = 0; i < counts.length; i++) {
    const expected = n * probabilities[i]!;
    if (expected < 5) {
      restCount += counts[i]!;
      restExpected += expected;
      continue;
    }
    statistic += (counts[i]! - expected) ** 2 / expected;
    cells++;
  }
  if (restExpected > 0) {
    statistic += (restCount - restExpected) ** 2 / Math.max(restExpected, 1);
    cells++;
  }
  return { statistic, degrees: cells - 1 };
}

/** Upper quantile of chi-square at ALPHA by Wilson and Hilferty's cube (1931); 3.719 is the normal quantile of 1 -
 *  1e-4. */
export const chiSquareLimit = (degrees: number): number =>
  degrees * (1 - 2 / (9 * degrees) + 3.719 * Math.sqrt(2 / (9 * degrees))) ** 3;

/** Standard normal distribution function (Abramowitz and Stegun 7.1.26, error below 2e-7). */
export function normalCdf(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp((-x * x) / 2);
  return x >= 0 ? 1 - tail / 2 : tail / 2;
}

/** Distribution function of Gamma(shape, 1) for an integer shape: 1 - sum over k < shape of e^-x x^k / k!. */
export function gammaCdf(x: number, shape: number): number {
  if (x <= 0) return 0;
  let logTerm = -x;
  let sum = Math.exp(logTerm);
  for (let k = 1; k < shape; k++) {
    logTerm += Math.log(x / k);
    sum += Math.exp(logTerm);
  }
  return 1 - sum;
}
