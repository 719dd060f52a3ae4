/** The arithmetic of a training, one optimizer step at a time. */
import {
  ErrorKind,
  RaptError,
  type CheckpointState,
  type LossPoint,
  type Sha256,
  type TuningOptions,
} from '../../contracts/index.ts';
import type { Encoder, FrameIds } from '../backbone/index.ts';
import { sequenceLength, layOut, type Examples } from './examples.ts';
import { jointLoss, type JointLoss } from './joint-loss.ts';
import { taskLoss, type TaskLoss } from './noisy-labels.ts';
import { adamWStep, globalNorm, initialMoments, type Moments } from './optimizer.ts';
import { epochBatches, stepsPerEpoch } from './batch-order.ts';
import type { Parameters } from './parameters.ts';
import { scheduleFactor, totalSteps } from './learning-rate.ts';

/** Points that the loss curves have at the end of a run. */
const HISTORY_POINTS = 250;

export interface TrainerSetup {
  readonly encoder: Encoder;
  readonly examples: Examples;
  readonly frame: FrameIds;
  readonly options: TuningOptions;
  readonly trainingDigest: Sha256;
  /** First values, or those of a checkpoint. Steps change them in place. */
  readonly parameters: Parameters;
  readonly resume?: { readonly moments: Moments; readonly state: CheckpointState };
}

/** How one optimizer step went. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number;
  readonly totalSteps: number;
  /** Epochs done, with a fraction. */
  readonly epoch: number;
  readonly loss: JointLoss;
  readonly gradientNorm: number;
}

type Pending = CheckpointState['pending'];
const NOTHING_PENDING: Pending = {
  steps: 0,
  loss: 0,
  taskLoss: 0,
  reconstructionLoss: 0,
  correct: 0,
  rows: 0,
  reconstructed: 0,
  plainTokens: 0,
  gradientNorm: 0,
};

/** What a training keeps between two steps. Its result is a function of the examples, the options and the seed alone,
 *  however often it was stopped. */
export class Trainer {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly parameters: Parameters;
  readonly moments: Moments;
  readonly #setup: TrainerSetup;
  readonly #lengths: Int32Array;
  readonly #taskLoss: TaskLoss;
  readonly #historyEvery: number;
  readonly #history: LossPoint[];
  #pending: Pending;
  #step: number;
  #epoch = -1;
  #batches: Int32Array[] = [];

  constructor(setup: TrainerSetup) {
    const { examples, options, parameters, resume, frame } = setup;
    this.#setup = setup;
    this.stepsPerEpoch = stepsPerEpoch(examples.count, options.batchSize);
    this.totalSteps = totalSteps(options, this.stepsPerEpoch);
    this.parameters = parameters;
    this.moments = resume?.moments ?? initialMoments(parameters);
    this.#lengths = Int32Array.from({ length: examples.count }, (_, row) => sequenceLength(examples, row, frame));
    this.#taskLoss = taskLoss(options.labelCorrection, examples.labelNoise);
    this.#historyEvery = Math.max(1, Math.ceil(this.totalSteps / HISTORY_POINTS));
    this.#history = [...(resume?.state.history ?? [])];
    this.#pending = resume?.state.pending ?? NOTHING_PENDING;
    this.#step = resume?.state.step ?? 0;
  }

  /** Optimizer steps done. */
  get step(): number {
    return this.#step;
  }

  /** One optimizer step on the next batch. @throws RaptError diverged when the loss or a gradient is no longer a
   *  number. */
  async next(): Promise<StepReport> {
    const { encoder, examples, frame, options } = this.#setup;
    const batch = layOut(examples, this.#batchAt(this.#step), frame);
    const weight = options.reconstruction ? options.reconstruction.weight : 0;
    const { loss, gradients } = await jointLoss(encoder, this.parameters, batch, options.method, weight, {
      taskLossOf: this.#taskLoss,
      pooling: options.pooling,
    });
    const gradientNorm = globalNorm(gradients);
    // Checked before the weights change, so that they stay those of the last good step.
    if (!Number.isFinite(loss.loss) || !Number.isFinite(gradientNorm)) throw diverged(this.#step + 1);
    const factor = scheduleFactor(this.#step, this.stepsPerEpoch, options);
    adamWStep(this.parameters, gradients, gradientNorm, this.moments, this.#step, factor, options);
    this.#step++;
    this.#note(loss, gradientNorm);
    return {
      step: this.#step,
      totalSteps: this.totalSteps,
      epoch: this.#step / this.stepsPerEpoch,
      loss,
      gradientNorm,
    };
  }

  /** The state.json of a checkpoint after the last step. */
  state(): CheckpointState {
    return {
      format: 'rapt-checkpoint/1',
      step: this.#step,
      totalSteps: this.totalSteps,
      trainingDigest: this.#setup.trainingDigest,
      history: [...this.#history],
      pending: this.#pending,
    };
  }

  #batchAt(step: number): Int32Array {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      const { batchSize, seed } = this.#setup.options;
      this.#batches = epochBatches(this.#lengths, batchSize, seed, epoch);
      this.#epoch = epoch;
    }
    return this.#batches[step % this.stepsPerEpoch]!;
  }

  #note(loss: JointLoss, gradientNorm: number): void {
    const sum = this.#pending;
    this.#pending = {
      steps: sum.steps + 1,
      loss: sum.loss + loss.loss,
      taskLoss: sum.taskLoss + loss.taskLoss,
      reconstructionLoss: sum.reconstructionLoss + loss.reconstructionLoss,
      correct: sum.correct + loss.correct,
      rows: sum.rows + loss.rows,
      reconstructed: sum.reconstructed + loss.reconstructed,
      plainTokens: sum.plainTokens + loss.plainTokens,
      gradientNorm: sum.gradientNorm + gradientNorm,
    };
    if (this.#pending.steps < this.#historyEvery && this.#step < this.totalSteps) return;
    const { steps, correct, rows, reconstructed, plainTokens, ...sums } = this.#pending;
    this.#history.push({
      step: this.#step,
      epoch: this.#step / this.stepsPerEpoch,
      loss: sums.loss / steps,
      taskLoss: sums.taskLoss / steps,
      reconstructionLoss: plainTokens > 0 ? sums.reconstructionLoss / steps : null,
      accuracy: correct / rows,
      reconstructionAccuracy: plainTokens > 0 ? reconstructed / plainTokens : null,
      gradientNorm: sums.gradientNorm / steps,
    });
    this.#pending = NOTHING_PENDING;
  }
}

const diverged = (step: number): RaptError =>
  new RaptError(
    ErrorKind.diverged,
    `the loss is no longer a number at step ${step}; its last checkpoint stays. ` +
      'Lower tuning.learningRate, or raise tuning.warmup, and start a new run: it uses the same release',
  );
