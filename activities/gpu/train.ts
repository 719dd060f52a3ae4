import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import {
  ErrorKind,
  RaptError,
  TRAINING_PROGRESS_SIGNAL,
  type CheckpointPointer,
  type Sha256,
  type TrainBlock,
  type TrainBlockResult,
  type TrainingProgress,
} from '../../contracts/index.ts';
import { readState, stepsPerEpoch, trainingDigest } from '../../rapt/tuning/index.ts';
import { CheckpointPointerCell, type ObjectStore } from '../../storage/index.ts';
import { createCheckpointUploads } from './checkpoint-upload.ts';
import { fetchCheckpoint, fetchRelease, requireBackbone } from './fetch.ts';
import { runModelProcess } from './model-process.ts';
import { createProgressReporter } from '../progress.ts';
import type { Scratch } from './scratch.ts';

export interface GpuDependencies {
  readonly store: ObjectStore;
  readonly scratch: Scratch;
  /** Entry file of the model process. */
  readonly modelProcess: string;
}

const LOSSES_SHOWN = 60;

/** Where a block begins: its checkpoint, and the sentence that says why, when it is not simply where the last block ended. */
interface Start {
  readonly pointer: CheckpointPointer | null;
  readonly resumed: string | null;
}

/** The `train` activity: one block of optimizer steps, from the newest checkpoint to the next boundary. */
export async function train({ store, scratch, modelProcess }: GpuDependencies, request: TrainBlock): Promise<TrainBlockResult> {
  const { info, cancellationSignal } = Context.current();
  const { run, tenant, release, tuning } = request;
  const fetched = await fetchRelease(store, scratch.releases, tenant, release);
  const backbone = await requireBackbone(request.backbone, fetched.manifest.backbone.sha256);
  const digest = trainingDigest(release.digest, backbone.sha256, tuning);
  const perEpoch = stepsPerEpoch(fetched.manifest.rows.train, tuning.batchSize);
  const totalSteps = perEpoch * tuning.epochs;

  const attempt = `${info.attempt}-${randomUUID()}`;
  const cell = await CheckpointPointerCell.open(store, tenant, run);
  await cell.claim(attempt);
  const { pointer, resumed } = await findStart(store, cell, request, digest, info.attempt);
  const begin = pointer?.step ?? 0;
  const untilStep = request.untilStep ?? Math.min(totalSteps, (Math.floor(begin / perEpoch) + 1) * perEpoch);

  return scratch.attempt(async (folder) => {
    const checkpointFolder = pointer ? join(folder, 'start') : null;
    if (pointer && checkpointFolder) await fetchCheckpoint(store, checkpointFolder, pointer);
    const losses: number[] = checkpointFolder ? readState(join(checkpointFolder, 'state.json')).history.map((point) => point.loss) : [];
    let progress: TrainingProgress = {
      step: begin,
      totalSteps,
      epoch: begin / perEpoch,
      loss: losses.at(-1) ?? NaN,
      stepMs: 0,
      checkpointStep: pointer?.step ?? null,
      resumed,
    };
    const reporter = createProgressReporter<TrainingProgress>(TRAINING_PROGRESS_SIGNAL);
    const overtaken = new AbortController();
    // The worker's own start and the fence are told to the run at once: a long wait before the first step is explained.
    reporter.report(progress, { now: resumed !== null });

    const uploads = createCheckpointUploads({
      store,
      cell,
      tenant,
      run,
      attempt,
      totalSteps,
      trainingDigest: digest,
      onPointed: ({ step }) => {
        progress = { ...progress, checkpointStep: step };
        reporter.report(progress);
      },
      onFailure: () => overtaken.abort(),
    });
    if (begin < untilStep) {
      const outcome = await runModelProcess({
        entry: modelProcess,
        signal: AbortSignal.any([cancellationSignal, overtaken.signal]),
        job: {
          kind: 'train',
          backboneFolder: backbone.folder,
          releaseFolder: fetched.folder,
          options: tuning,
          trainingDigest: digest,
          checkpointFolder,
          untilStep,
          outputFolder: join(folder, 'checkpoints'),
        },
        onMessage(message) {
          if (message.type === 'checkpoint') uploads.add(message.step, message.folder);
          if (message.type !== 'step') return;
          const { step, epoch, loss, stepMs } = message;
          losses.push(loss);
          progress = { ...progress, step, epoch, loss, stepMs };
          reporter.report(progress);
        },
      });
      await uploads.drain();
      reporter.report(progress, { now: true });
      if (outcome.type === 'stopped') throw await cancellation();
    }
    return {
      step: untilStep,
      totalSteps,
      stepsPerEpoch: perEpoch,
      lastLoss: losses.at(-1) ?? progress.loss,
      losses: losses.slice(-LOSSES_SHOWN),
      resumed,
    };
  });
}

/** The run's own checkpoint, or that of the run to resume when the configurations determine the same result. */
async function findStart(store: ObjectStore, cell: CheckpointPointerCell, request: TrainBlock, digest: Sha256, attempt: number): Promise<Start> {
  const own = cell.current;
  if (own) {
    if (own.trainingDigest !== digest)
      throw new RaptError(
        ErrorKind.badInput,
        `run ${request.run} already has a checkpoint of another configuration; start the new configuration under another --id`,
      );
    return { pointer: own, resumed: attempt > 1 ? `resumed at step ${own.step} of ${own.totalSteps}, attempt ${attempt}` : null };
  }
  if (request.resumeFrom === undefined) return { pointer: null, resumed: attempt > 1 ? `started anew, attempt ${attempt}: there was no checkpoint yet` : null };
  const earlier = (await CheckpointPointerCell.open(store, request.tenant, request.resumeFrom)).current;
  if (!earlier) return { pointer: null, resumed: `started anew: run ${request.resumeFrom} has no checkpoint` };
  if (earlier.trainingDigest !== digest)
    return { pointer: null, resumed: `started anew: run ${request.resumeFrom} was trained with another release or configuration` };
  return { pointer: earlier, resumed: `resumed at step ${earlier.step} of ${earlier.totalSteps} from run ${request.resumeFrom}` };
}

/** The failure with which Temporal tells a cancelled or shut-down activity from one that failed. */
async function cancellation(): Promise<unknown> {
  return Context.current().cancelled.catch((reason: unknown) => reason);
}
