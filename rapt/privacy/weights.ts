/** The integer weights that the exponential mechanism draws by: a level for each distance, and a weight for each level. See exponential.ts for what they owe to the ideal ones. */
import type { OutputGeometry } from './geometry.ts';

export const LEVELS = 2 ** 16;
const LEAST_WEIGHT = 2 ** 10;
/** Distances below the one at which single precision would add more than this to e are computed anew in double precision. */
const DISTANCE_ERROR_BUDGET = 2 ** -8;

export interface LevelWeights {
  /** Weight of each level, falling. Integers; a sum over all outputs stays below 2^53, where doubles are exact. [LEVELS] */
  readonly weights: Float64Array;
  /** Distance from one level to the next. The level of a distance is the nearest one, the last for all beyond. */
  readonly step: number;
  /** Below this squared distance single precision is not enough, whatever the two rows. */
  readonly nearSquare: number;
  /** For two rows whose norms have the product t it is not enough below t (nearQuadratic t + nearLinear). */
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
  const weights = Float64Array.from({ length: LEVELS }, (_, level) => Math.max(LEAST_WEIGHT, Math.round(peak * Math.exp((-eta / 2) * level * step))));

  // d = sqrt(s) with s off by 2 * error of the product: d is off by at most that over d.
  const squareError = 2 * geometry.dotProductError(mostNorm);
  const near = Math.max(((eta / 2) * squareError) / DISTANCE_ERROR_BUDGET, 2 * Math.sqrt(squareError));
  const nearSquare = near * near + squareError;
  const distanceError = squareError / near;
  // Of two rows whose norms have the product t a squared distance is off by at most g t. The terms of `near` for g t instead of squareError, squared and added up, with
  // g t itself: no less than nearSquare would be for them, so that their distance is off by no more than distanceError either.
  const g = squareError / (mostNorm * geometry.mostNorm);
  const nearQuadratic = (((eta / 2) * g) / DISTANCE_ERROR_BUDGET) ** 2;
  const nearLinear = 5 * g;
  const slack = 4 * ((eta / 2) * (step / 2 + distanceError) + 1 / (2 * LEAST_WEIGHT - 1));
  return { weights, step, nearSquare, nearQuadratic, nearLinear, slack };
}
