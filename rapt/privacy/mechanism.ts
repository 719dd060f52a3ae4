import type { Guarantee } from '../../contracts/index.ts';

/** A randomized map from token to token. Texts go through token by token, every token alike. */
export interface Mechanism {
  readonly name: Guarantee['mechanism'];
  /** d_chi-privacy parameter in 1 / embedding distance; null for `none`. */
  readonly eta: number | null;
  /** One noisy id for each id, drawn independently. @throws RangeError for an id outside the table. */
  privatize(ids: Int32Array): Int32Array;
  /** Bound on |log P(y|x) - log P(y|x')| for every y, when phi(x) and phi(x') are this far apart. */
  lossBound(distance: number): number;
  readonly guarantee: Guarantee;
  /** Frees the memory on the device. */
  dispose(): void;
}

/** What a mechanism adds to the table that it works on. */
export interface Sampler {
  privatize(ids: Int32Array): Int32Array;
  /** What finite precision adds to eta * distance, and the chance for each token that no bound holds. */
  readonly numericalSlack: number;
  readonly numericalDelta: number;
}
