/** Rapt as a library: the method, without servers. Its functions throw `BadInput` and `RaptError`, whose messages say
 *  what is wrong and what to do.
 *
 *  @packageDocumentation */
export { ATTACKS, BadInput, DEFAULT_BACKBONE, DEFAULT_ETA, ErrorKind, RaptError } from '../contracts/index.ts';
export type {
  AdapterCard,
  Attack,
  AttackResult,
  AuditResult,
  GateResult,
  Guarantee,
  InputProblem,
  Rate,
  ReleaseProgress,
  Sha256,
  TestMetrics,
  TuningConfig,
  TuningInput,
} from '../contracts/index.ts';
export { openBackbone, type PublicBackbone, type Tokenizer } from './backbone/index.ts';
export { attack, privatize, type AttackOptions, type PrivatizeOptions } from './client/index.ts';
export type { TableColumns } from './data/index.ts';
export {
  openPredictor,
  tune,
  type Answer,
  type Predictor,
  type PredictorOptions,
  type Tuned,
  type TuneOptions,
} from './local/index.ts';
export {
  calibrate,
  createMechanism,
  explainGuarantee,
  type Calibration,
  type CalibrationOptions,
  type EmbeddingTable,
  type Mechanism,
  type MechanismOptions,
  type NoisyMechanismName,
  type RandomSource,
} from './privacy/index.ts';
export type { PrivatizedTable } from './release/index.ts';
export type { JointLoss, StepReport } from './tuning/index.ts';
