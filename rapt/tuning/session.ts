/** One training on one release, from its first step to a graded adapter. The library, the model process of a GPU worker
 *  and the benches all train by it, so that the same release, options and backbone give the same bytes everywhere.
 *
 *    open -> step ... step -> encode, grade
 *                 \-> checkpoint, of any whole step
 *
 *  A session holds the examples, the trained values and the optimizer's moments as plain arrays. The frozen model on
 *  the device belongs to whoever opened it: a session uses it and never disposes of it, and frees all other tensors
 *  before each of its calls returns. So there is nothing to close. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AdapterFile, ReleaseManifest, Sha256, TuningOptions } from '../../contracts/index.ts';
import { readFrameIds, type BackboneFiles, type Encoder } from '../backbone/index.ts';
import { adapterCard, encodeAdapter } from './adapter.ts';
import { encodeCheckpoint, readCheckpoint } from './checkpoint.ts';
import { firstParameters, loadExamples } from './from-release.ts';
import { answerTestRows, type TestAnswers } from './test-answers.ts';
import { Trainer, type StepReport } from './trainer.ts';
import { writeFiles } from './write-files.ts';

/** What a training is made of. */
export interface SessionOptions {
  /** The frozen model, opened for this release by `openEncoder`. */
  readonly encoder: Encoder;
  /** Folder that the frozen model was loaded from. */
  readonly backboneFolder: string;
  /** Folder of a complete release: the shards that its manifest lists. */
  readonly releaseFolder: string;
  readonly manifest: ReleaseManifest;
  readonly options: TuningOptions;
  /** `trainingDigest` of the release, the backbone and the options. Every checkpoint carries it. */
  readonly trainingDigest: Sha256;
  /** Folder of the checkpoint to go on from. Null, or left out: the training begins at step 0. */
  readonly checkpointFolder?: string | null;
}

/** How far `TuningSession.train` goes, and who hears of it. */
export interface TrainOptions {
  /** Steps that are done at the end, counted from the beginning of the training. Default: all steps. */
  readonly untilStep?: number;
  /** Called after each step, and awaited before the next one. @param stepMs how long the step took, in milliseconds. */
  readonly onStep?: (report: StepReport, stepMs: number) => void | Promise<void>;
  /** Asked after each step. True leaves the steps that remain undone. */
  readonly isStopped?: () => boolean;
}

/** What an adapter's card says of its origin, which the training itself need not know. */
export interface AdapterOrigin {
  /** Digest of the release. */
  readonly release: Sha256;
  readonly backbone: Pick<BackboneFiles, 'name' | 'sha256'>;
}

export class TuningSession {
  readonly #options: SessionOptions;
  readonly #trainer: Trainer;

  private constructor(options: SessionOptions, trainer: Trainer) {
    this.#options = options;
    this.#trainer = trainer;
  }

  /** Reads the training rows into memory, 4 bytes a token, and takes the first values, or those of the checkpoint.
   *  @throws RaptError corruptArtifact naming the damaged shard, or the damaged file of the checkpoint. */
  static async open(options: SessionOptions): Promise<TuningSession> {
    const { encoder, backboneFolder, releaseFolder, manifest, options: tuning, checkpointFolder = null } = options;
    const checkpoint = checkpointFolder === null ? null : readCheckpoint(checkpointFolder);
    const trainer = new Trainer({
      encoder,
      examples: await loadExamples(releaseFolder, manifest, 'train'),
      frame: readFrameIds(backboneFolder),
      options: tuning,
      trainingDigest: options.trainingDigest,
      parameters: checkpoint?.parameters ?? firstParameters(encoder.config, backboneFolder, manifest, tuning),
      ...(checkpoint === null ? {} : { resume: checkpoint }),
    });
    return new TuningSession(options, trainer);
  }

  /** Optimizer steps done, those before the checkpoint included. */
  get stepsDone(): number {
    return this.#trainer.step;
  }

  /** Optimizer steps of the whole training. */
  get totalSteps(): number {
    return this.#trainer.totalSteps;
  }

  /** Takes one optimizer step. @throws RaptError diverged when the loss or a gradient is no longer a number; the values
   *  are then those of the step before. */
  step(): Promise<StepReport> {
    return this.#trainer.next();
  }

  /** Takes steps until `untilStep`, with a turn of the event loop after each, in which messages and signals arrive.
   *  @throws RaptError as `step`, or what `onStep` throws. */
  async train({ untilStep = this.totalSteps, onStep, isStopped }: TrainOptions = {}): Promise<void> {
    const end = Math.min(untilStep, this.totalSteps);
    while (this.stepsDone < end) {
      const startMs = performance.now();
      const report = await this.step();
      await onStep?.(report, performance.now() - startMs);
      await nextTurn();
      if (isStopped?.() === true) return;
    }
  }

  /** Writes a checkpoint of the last whole step: the trained values, the moments and the state. @param folder is made
   *  if need be. */
  checkpoint(folder: string): void {
    writeFiles(folder, encodeCheckpoint(this.#trainer));
  }

  /** The bytes of each file of the adapter, made of the trained values as they are now. */
  encode({ release, backbone }: AdapterOrigin): Record<AdapterFile, Buffer> {
    const { encoder, manifest, options: tuning } = this.#options;
    const card = adapterCard({ manifest, release, backbone, tuning });
    return encodeAdapter(this.#trainer.parameters, card, encoder.config);
  }

  /** Answers the release's test rows by the trained values as they are now. The true labels are not in a release: who
   *  has them compares. @throws RaptError corruptArtifact naming the damaged shard. */
  grade(): Promise<TestAnswers> {
    const { encoder, backboneFolder, releaseFolder, manifest, options: tuning } = this.#options;
    const { method, pooling } = tuning;
    const { parameters } = this.#trainer;
    return answerTestRows({ encoder, backboneFolder, releaseFolder, manifest, parameters, method, pooling });
  }
}
