/** The mechanisms that replace tokens under d_chi-privacy, their exact samplers, and what they promise. */
export {
  calibrate,
  Calibrator,
  expectedUnchanged,
  type Calibration,
  type CalibrationOptions,
  type NoisyMechanismName,
} from './calibration.ts';
export { noisyCount } from './noisy-count.ts';
export { chooseEta, createMechanism, createMechanismInTurns, type MechanismOptions } from './create.ts';
export { distanceOf, isLarge, rowsOf, type EmbeddingTable } from './geometry.ts';
export { explainGuarantee } from './guarantee.ts';
export { RandomizedResponse, withLabelNoise } from './randomized-response.ts';
export type { Mechanism } from './mechanism.ts';
export { seededRandom, systemRandom, type RandomSource } from './random-source.ts';
export {
  categorical,
  exponential,
  fillDirection,
  fillGaussian,
  gamma,
  uniform,
  uniformInteger,
} from './number-samplers.ts';
export { tightestEta } from './tightest-eta.ts';
export { tableTotals } from './totals.ts';
export { dropKeptTables } from './kept-tables.ts';
export { outputVocabulary } from './vocabulary.ts';
