/** What double precision costs the laplace mechanism: delta, the chance that a token's answer is not the one that real
 *  arithmetic would have given to the same randomness. So each answer has, but for delta, exactly the law that the
 *  bound is proved for: the two laws are within delta in total variation.
 *
 *  1. The computed point lies within r of the ideal one, and a nearest token is mistaken only within r' of a bisector
 *     (below, term by term, u = 2^-53). So an answer can differ only where the ideal point is within R = r + r' of the
 *     boundary of the Voronoi cell that it lies in.
 *  2. A cell K is convex, being an intersection of half-spaces, and so is K_t, K without what is within t of its
 *     boundary. So the mass of the shell is the integral over t from 0 to R of S(K_t), S being the surface weighted by
 *     the density g(s) = c e^(-eta s), s the distance from phi(x).
 *  3. S(K) <= eta for every convex K: by g(s) = integral over t > s of eta g(t), S(K) is the integral over t of
 *     eta g(t) area(boundary of K within the ball B_t). That area is at most area(boundary of B_t), since K and B_t
 *     meet in a convex body inside of B_t, and a convex body inside of another has the smaller surface (Archimedes;
 *     Bonnesen and Fenchel, section 31). The integral of g(t) area(boundary of B_t) is 1.
 *  4. Over the cells of V outputs: delta <= V eta R, and for one output by itself eta R. Lengths and Gaussian vectors
 *     out of all proportion, for which the terms of R would not hold, add 2^-60 each. */
const UNIT = 2 ** -53;
const RARE = 2 ** -60;

export interface LaplacePrecision {
  /** In 1 / embedding distance. */
  readonly eta: number;
  readonly dimensions: number;
  /** Number of output tokens. */
  readonly outputs: number;
  /** Largest norms of an input row and of an output row. */
  readonly inputNorm: number;
  readonly outputNorm: number;
}

/** The chance for each token, at most 1. */
export function laplaceDelta({ eta, dimensions: d, outputs, inputNorm, outputNorm }: LaplacePrecision): number {
  // P(Gamma(d, 1) > 2 d + 2 s) <= (2 / e)^d e^-s by Chernoff's bound; s = 42 makes it less than 2^-60.
  const mostLength = (2 * d + 84) / eta;
  // P(||g||^2 < s d) <= (s e)^(d/2) by Chernoff's bound; this s makes it 2^-60.
  const leastGaussian = Math.sqrt((d * 2 ** (-120 / d)) / Math.E);
  // `fillGaussian`, divided by a norm that is a sum of d squares; a normalized vector moves by at most twice the
  // relative error.
  const direction = 2 * ((32 * Math.sqrt(d / 2)) / leastGaussian + 23) + (d + 1) / 2 + 3;
  // `gamma`, and the rounding of its scale.
  const length = (d + (d + 11) * (2 * d + 84)) / eta;
  const sum = 2 * mostLength + inputNorm;
  // `OutputGeometry.nearest`
  const bisector = (d + 5) * (inputNorm + mostLength + outputNorm);
  const radius = UNIT * (mostLength * direction + length + sum + bisector);
  return Math.min(1, outputs * eta * radius + 2 * RARE);
}
