/** The integer weights by which the exponential mechanism draws: a level for each distance, and a weight for each
 *  level. exponential.ts says how far they may be off the ideal weights. */
import type { OutputGeometry } from './geometry.ts';

export const LEVELS = 2 ** 16;
const LEAST_WEIGHT = 2 ** 10;
/** Single precision may add this much to e. Below some distance it would add more, and such distances are computed
 *  again in double precision. That distance depends on the norms of the two rows (derivation in `levelWeights`). */
const DISTANCE_ERROR_BUDGET = 2 ** -8;

export interface LevelWeights {
  /** The weight of each level, falling. These are integers, and a sum over all outputs stays below 2^53, where doubles
   *  are exact. [LEVELS] */
  readonly weights: Float64Array;
  /** The distance from one level to the next. A distance has the nearest level; beyond the last one it has the last. */
  readonly step: number;
  /** For two rows whose norms have the product t, single precision is not enough up to a squared distance of t
   *  (nearQuadratic t + nearLinear). */
  readonly nearQuadratic: number;
  readonly nearLinear: number;
  /** Bound on what all roundings add to the log-ratio of two outputs' probabilities. */
  readonly slack: number;
}

export function levelWeights(eta: number, geometry: OutputGeometry): LevelWeights {
  const peak = 2 ** (52 - Math.ceil(Math.log2(geometry.outputIds.length)));
  const mostNorm = geometry.mostInputNorm;
  const mostDistance = mostNorm + geometry.mostNorm;
  // Beyond this distance every weight would be the least one.
  const cut = Math.min(mostDistance, (2 / eta) * Math.log(peak / LEAST_WEIGHT));
  const step = cut / (LEVELS - 1);
  const weights = Float64Array.from({ length: LEVELS }, (_, level) =>
    Math.max(LEAST_WEIGHT, Math.round(peak * Math.exp((-eta / 2) * level * step))),
  );

  // Two rows whose norms have the product t. Their squared distance s is off by at most e = g t, so that d = sqrt(s)
  // is off by at most e / d. Let
  //     near = max((eta/2) e / BUDGET, 2 sqrt(e)).
  // A computed s above near^2 + e has d above near, and then d is off by at most e / near = min(2 BUDGET / eta,
  // sqrt(e) / 2). That rises with t: for all pairs it is at most what it is for the largest norms, which is the
  // published error. And
  //     near^2 + e <= t (((eta/2) g / BUDGET)^2 t + 5 g),
  // a maximum of two squares being at most their sum. Up to there distances are computed in double precision; in truth
  // d is off by half of e / near, and the other half is far more than what double precision adds.
  const g = geometry.squareErrorRate;
  const mostError = g * mostNorm * geometry.mostNorm;
  const distanceError = Math.min((2 * DISTANCE_ERROR_BUDGET) / eta, Math.sqrt(mostError) / 2);
  const nearQuadratic = (((eta / 2) * g) / DISTANCE_ERROR_BUDGET) ** 2;
  const nearLinear = 5 * g;
  const slack = 4 * ((eta / 2) * (step / 2 + distanceError) + 1 / (2 * LEAST_WEIGHT - 1));
  return { weights, step, nearQuadratic, nearLinear, slack };
}
