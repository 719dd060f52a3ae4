/** Prompt tuning on privatized rows: `TuningSession` trains, the rest is what trainings leave behind. */
export { TuningSession, type AdapterOrigin, type SessionOptions, type TrainOptions } from './session.ts';
export { answerTestRows, type TestAnswers } from './test-answers.ts';
export { openEncoder } from './posterior.ts';
export type { StepReport } from './trainer.ts';
export type { JointLoss } from './joint-loss.ts';

export { adapterCard, adapterDigest, assertSameWeights, encodeAdapter, readAdapter, readCard } from './adapter.ts';
export { readPeftConfig, readPeftWeights } from './peft-import.ts';
export { readCheckpoint, readState } from './checkpoint.ts';
export { writeFiles } from './write-files.ts';
export { PARAMETER, reconstructionHead, type Parameters } from './parameters.ts';

export { classifyExamples } from './classifier.ts';
export type { Examples } from './examples.ts';
export { toExamples } from './from-release.ts';
export type { Pooling } from './pooling.ts';

export { dryAnswer, dryStep } from './dry-step.ts';
export { trainingMemory, type TrainingMemory } from './memory.ts';
export { compatibleDigests, trainingDigest } from './training-digest.ts';
export { stepsPerEpoch } from './batch-order.ts';
export { totalSteps } from './learning-rate.ts';
export { normalValues, permutation, seededStream } from './seeded-stream.ts';
