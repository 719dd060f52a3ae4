import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Context, log } from '@temporalio/activity';
import {
  ErrorKind,
  RaptError,
  TRAINING_PROGRESS_SIGNAL,
  type TrainBlock,
  type TrainBlockResult,
  type TrainingProgress,
} from '../../contracts/index.ts';
import { compatibleDigests, readState, stepsPerEpoch, totalSteps as stepsOf } from '../../rapt/tuning/index.ts';
import { CheckpointPointerCell, type ObjectStore } from '../../storage/index.ts';
import { createProgressReporter, type ProgressReporter } from '../progress.ts';
import { claimRun, queueUploads, RunCheckpoints, type Attempt } from './checkpoints.ts';
import { fetchRelease, requireBackbone } from './fetch.ts';
import type { ModelHost } from './model/index.ts';
import { ObservedTraining } from './observed-training.ts';
import { Pace } from './pace.ts';
import type { Scratch } from './scratch.ts';
import { findStart } from './starting-checkpoint.ts';

export interface GpuDependencies {
  readonly store: ObjectStore;
  readonly scratch: Scratch;
  readonly models: ModelHost;
}

const LOSSES_SHOWN = 60;
/** A crash of the model process may not come again, but one for lack of memory comes at the same step each time. */
const MOST_CRASHES = 3;

/** The `train` activity: one block of optimizer steps, from the newest checkpoint to the next boundary. */
export async function train(
  { store, scratch, models }: GpuDependencies,
  request: TrainBlock,
): Promise<TrainBlockResult> {
  const { info, cancellationSignal, cancelled } = Context.current();
  const { run, tenant, release, tuning, resumeFrom } = request;
  const fetched = await fetchRelease(store, scratch, tenant, release);
  const backbone = await requireBackbone(request.backbone, fetched.manifest.backbone.sha256);
  const digests = compatibleDigests(release.digest, backbone.sha256, tuning);
  const trainingDigest = digests[0]!;
  const perEpoch = stepsPerEpoch(fetched.manifest.rows.train, tuning.batchSize);
  const totalSteps = stepsOf(tuning, perEpoch);

  const attempt: Attempt = {
    name: `${info.attempt}-${randomUUID()}`,
    fence: { scheduledMs: info.scheduledTimestampMs, attempt: info.attempt },
  };
  const cell = await CheckpointPointerCell.open(store, tenant, run);
  await claimRun(store, cell, { tenant, run }, attempt);
  const checkpoints = new RunCheckpoints(store, cell, attempt, {
    tenant,
    run,
    release: release.digest,
    trainingDigest,
    totalSteps,
    keep: tuning.keepCheckpoints,
  });

  return scratch.attempt(async (folder) => {
    const startFolder = join(folder, 'start');
    const { checkpoint, resumed } = await findStart({
      store,
      cell,
      checkpoints,
      tenant,
      run,
      resumeFrom,
      digests,
      totalSteps,
      attempt: info.attempt,
      folder: startFolder,
    });
    const begin = checkpoint?.step ?? 0;
    const untilStep = request.untilStep ?? Math.min(totalSteps, (Math.floor(begin / perEpoch) + 1) * perEpoch);
    const losses: number[] =
      checkpoint === null ? [] : readState(join(startFolder, 'state.json')).history.map((point) => point.loss);
    let progress: TrainingProgress = {
      step: begin,
      totalSteps,
      epoch: begin / perEpoch,
      loss: losses.at(-1) ?? NaN,
      stepMs: 0,
      checkpointStep: checkpoint?.step ?? null,
      resumed,
      crashes: crashesBefore(info.heartbeatDetails, checkpoint?.step ?? null),
    };
    const reporter = createProgressReporter<TrainingProgress>(TRAINING_PROGRESS_SIGNAL);
    if (resumed !== null) log.info('training resumed', { step: begin });
    reporter.report(progress, { now: resumed !== null });

    const failed = new AbortController();
    const uploads = queueUploads(
      checkpoints,
      (step) => {
        progress = { ...progress, checkpointStep: step, crashes: 0 };
        reporter.report(progress);
      },
      () => failed.abort(),
    );
    if (begin < untilStep) {
      let lossesStored = losses.length;
      const observed = new ObservedTraining(tenant, totalSteps);
      const pace = new Pace();
      const outcome = await models
        .run({
          signal: AbortSignal.any([cancellationSignal, failed.signal]),
          job: {
            kind: 'train',
            backboneFolder: backbone.folder,
            releaseFolder: fetched.folder,
            options: tuning,
            trainingDigest,
            checkpointFolder: checkpoint === null ? null : startFolder,
            fromStep: begin,
            untilStep,
            outputFolder: join(folder, 'checkpoints'),
          },
          onMessage(message) {
            if (message.type === 'checkpoint') {
              uploads.add(
                { step: message.step, trainingDigest, loss: mean(losses.slice(lossesStored)) },
                message.folder,
              );
              lossesStored = losses.length;
            }
            if (message.type !== 'step') return;
            const { step, epoch, loss, stepMs } = message;
            losses.push(loss);
            observed.stepped(message);
            pace.observe(stepMs);
            progress = { ...progress, step, epoch, loss, stepMs: pace.stepMs ?? 0 };
            reporter.report(progress);
          },
        })
        .catch(async (error: unknown) => {
          observed.end(error);
          // The checkpoints that were written before are whole.
          await uploads.drain();
          throw afterCrash(error, progress, reporter, run);
        });
      observed.end();
      await uploads.drain();
      reporter.report(progress, { now: true });
      if (outcome.type === 'stopped') return cancelled;
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

/** Crashes that attempts before this one had since the checkpoint from which this one begins. */
function crashesBefore(details: unknown, checkpointStep: number | null): number {
  const { checkpointStep: before, crashes } = (
    typeof details === 'object' && details !== null ? details : {}
  ) as Partial<TrainingProgress>;
  return before === checkpointStep && typeof crashes === 'number' ? crashes : 0;
}

function afterCrash(
  error: unknown,
  progress: TrainingProgress,
  reporter: ProgressReporter<TrainingProgress>,
  run: string,
): unknown {
  if (!(error instanceof RaptError) || error.kind !== ErrorKind.trainerCrashed) return error;
  const crashes = progress.crashes + 1;
  reporter.report({ ...progress, crashes });
  if (crashes < MOST_CRASHES) return error;
  const from =
    progress.checkpointStep === null
      ? 'before the first checkpoint'
      : `from the checkpoint of step ${progress.checkpointStep}`;
  const advice = `\`rapt resume ${run}\` goes on from there once the cause is mended`;
  return new RaptError(ErrorKind.trainerGivenUp, `${error.message}. That was crash ${crashes} ${from}: ${advice}`);
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
