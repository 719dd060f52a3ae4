export {
  adapterCard,
  adapterDigest,
  assertSameWeights,
  encodeAdapter,
  readAdapter,
  readCard,
  type Adapter,
} from './adapter.ts';
export { encodeCheckpoint, readCheckpoint, readState, type Checkpoint } from './checkpoint.ts';
export { classifyExamples, type Classified } from './classifier.ts';
export { dryAnswer, dryStep, type DryStep } from './dry-step.ts';
export { compatibleDigests, trainingDigest } from './digest.ts';
export type { Batch, Examples, PlainTokens } from './examples.ts';
export { loadExamples, openTrainer, toExamples, type OpenTrainerOptions } from './from-release.ts';
export { trainingMemory, type TrainingMemory } from './memory.ts';
export { readPeftConfig, readPeftWeights, type PeftConfig } from './peft.ts';
export type { Pooling } from './pooling.ts';
export type { JointLoss } from './joint-loss.ts';
export { stepsPerEpoch } from './order.ts';
export { PARAMETER, initialParameters, promptStart, type Parameters } from './parameters.ts';
export { normalValues, permutation, seededStream } from './random.ts';
export { totalSteps } from './schedule.ts';
export { Trainer, type StepReport, type TrainerSetup } from './trainer.ts';
export { openEncoder, posteriorEmbeddings } from './posterior.ts';
