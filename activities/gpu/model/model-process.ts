/** The process in which models run: it trains or classifies, and tells the GPU worker that started it. It ends with
 *  its worker.
 *
 *  What it may see, and nothing else:
 *    - the message of each job, which names folders on this machine, the options of the tuning and a digest;
 *    - in those folders, the frozen model, a release (privatized ids, plain tokens, training labels as they left), the
 *      run's checkpoint and its adapter;
 *    - those variables of the environment that its libraries read (`modelEnvironment` in model-host.ts).
 *  It gets no text, no label of a test row, no address and no credential, neither of the store nor of Temporal. It
 *  answers by messages (protocol.ts) and by files in the folder that the job names. What its libraries print is thrown
 *  away. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ErrorKind,
  MANIFEST_FILE,
  RaptError,
  releaseManifestSchema,
  type Predictions,
  type ReleaseManifest,
} from '../../../contracts/index.ts';
import { answerTestRows, readAdapter, readCheckpoint, reconstructionHead } from '../../../rapt/tuning/index.ts';
import { isOutOfSpace } from '../../../system/index.ts';
import { LoadedModel } from './loaded-model.ts';
import type { ClassifyJob, FromModelProcess, ToModelProcess, TrainJob } from './protocol.ts';

let stopping = false;

function report(message: FromModelProcess): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}

const model = new LoadedModel();

async function train(job: TrainJob): Promise<void> {
  const session = await model.takeSession(job, readManifest);
  let saved = session.stepsDone;
  const save = async (): Promise<void> => {
    if (session.stepsDone === saved) return;
    const folder = join(job.outputFolder, String(session.stepsDone));
    session.checkpoint(folder);
    saved = session.stepsDone;
    await report({ type: 'checkpoint', step: saved, folder });
  };

  // The worker may have asked to stop while the model was loaded.
  if (!stopping)
    await session.train({
      untilStep: job.untilStep,
      onStep: async ({ step, epoch, loss }, stepMs) => {
        await report({ type: 'step', step, epoch, loss: loss.loss, rows: loss.rows, stepMs });
        if (step % job.options.checkpointEverySteps === 0) await save();
      },
      isStopped: () => stopping,
    });
  await save();
  model.keep(session, job.trainingDigest);
  await report(stopping ? { type: 'stopped' } : { type: 'finished', reconstruction: null });
}

async function classify(job: ClassifyJob): Promise<void> {
  const { backboneFolder, releaseFolder, checkpointFolder } = job;
  const manifest = readManifest(releaseFolder);
  const { card, parameters } = readAdapter(job.adapterFolder);
  const encoder = await model.encoder(backboneFolder, card.input ?? 'released', manifest);
  const head = checkpointFolder === null ? {} : reconstructionHead(readCheckpoint(checkpointFolder).parameters);
  const { rows, predicted, probability, reconstruction } = await answerTestRows({
    encoder,
    backboneFolder,
    releaseFolder,
    manifest,
    parameters: { ...parameters, ...head },
    method: card.method,
    pooling: card.pooling,
    onRows: (done) => void report({ type: 'rows', done }),
  });
  const predictions: Predictions = {
    format: 'rapt-predictions/1',
    rows: [...rows],
    predicted: [...predicted],
    probability: [...probability],
  };
  writeFileSync(job.outputFile, JSON.stringify(predictions));
  await report({ type: 'finished', reconstruction });
}

const readManifest = (folder: string): ReleaseManifest =>
  releaseManifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST_FILE), 'utf8')));

function describe(error: unknown): { kind: ErrorKind | null; message: string } {
  if (error instanceof RaptError) return { kind: error.kind, message: error.message };
  if (isOutOfSpace(error))
    return {
      kind: ErrorKind.noSpace,
      message:
        "no space is left on the GPU worker's disk for a checkpoint; free some where its RAPT_HOME lies, and the " +
        'run goes on by itself',
    };
  // An unknown error's message might quote what it worked on.
  return { kind: null, message: `the model process failed: ${error instanceof Error ? error.name : 'unknown error'}` };
}

process.on('message', (message: ToModelProcess) => {
  if (message.type === 'stop') {
    stopping = true;
    return;
  }
  const { job } = message;
  stopping = false;
  void (job.kind === 'train' ? train(job) : classify(job)).catch((error: unknown) =>
    report({ type: 'failed', ...describe(error) }),
  );
});
// The worker is gone: whatever was computed since the last checkpoint is computed again by the next attempt.
process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C and a supervisor's SIGTERM reach the whole group; the worker decides when its process stops.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
