/** The process in which models run: it trains or classifies, and tells the GPU worker that started it. It ends with
 *  its worker.
 *
 *  What it may see, and nothing else:
 *    - the message of each job, which names folders on this machine, the options of the tuning and a digest;
 *    - in those folders, the frozen model, a release (privatized ids, plain tokens, noisy or plain training labels), the
 *      run's own checkpoint and its adapter;
 *    - those variables of the environment that its libraries read (`modelEnvironment` in model-host.ts).
 *  It gets no text, no label of a test row, no address and no credential, neither of the store nor of Temporal. It
 *  answers by messages (protocol.ts) and by files in the folder that the job names. What its libraries print is thrown
 *  away. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ClassifyJob, FromModelProcess, ToModelProcess, TrainJob } from './protocol.ts';
import {
  ErrorKind,
  MANIFEST_FILE,
  RaptError,
  releaseManifestSchema,
  type Predictions,
  type ReleaseManifest,
} from '../../../contracts/index.ts';
import { readFrameIds } from '../../../rapt/backbone/index.ts';
import {
  PARAMETER,
  classifyExamples,
  encodeCheckpoint,
  loadExamples,
  readAdapter,
  readCheckpoint,
} from '../../../rapt/tuning/index.ts';
import { isOutOfSpace, makeFolder } from '../../../system/index.ts';
import { LoadedModel } from './loaded-model.ts';

let stopping = false;

function report(message: FromModelProcess): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}

const model = new LoadedModel();

async function train(job: TrainJob): Promise<void> {
  const trainer = await model.takeTrainer(job, readManifest);
  let saved = trainer.step;
  const save = async (): Promise<void> => {
    if (trainer.step === saved) return;
    const folder = join(job.outputFolder, String(trainer.step));
    makeFolder(folder);
    for (const [file, bytes] of Object.entries(encodeCheckpoint(trainer))) writeFileSync(join(folder, file), bytes);
    saved = trainer.step;
    await report({ type: 'checkpoint', step: saved, folder });
  };

  while (!stopping && trainer.step < Math.min(job.untilStep, trainer.totalSteps)) {
    const start = performance.now();
    const { step, epoch, loss } = await trainer.next();
    await report({ type: 'step', step, epoch, loss: loss.loss, rows: loss.rows, stepMs: performance.now() - start });
    if (step % job.options.checkpointEverySteps === 0) await save();
    await setImmediate(); // lets a stop message in
  }
  await save();
  model.keep(trainer, job.trainingDigest);
  await report(stopping ? { type: 'stopped' } : { type: 'finished', reconstruction: null });
}

async function classify(job: ClassifyJob): Promise<void> {
  const manifest = readManifest(job.releaseFolder);
  const adapter = readAdapter(job.adapterFolder);
  const encoder = await model.encoder(job.backboneFolder, adapter.card.input ?? 'released', manifest);
  const examples = await loadExamples(job.releaseFolder, manifest, 'test');
  const heads = job.checkpointFolder === null ? {} : reconstructionHead(job.checkpointFolder);
  const answer = classifyExamples(
    encoder,
    { ...adapter.parameters, ...heads },
    adapter.card.method,
    examples,
    readFrameIds(job.backboneFolder),
    {
      pooling: adapter.card.pooling,
      onRows: (done) => void report({ type: 'rows', done }),
    },
  );
  const predictions: Predictions = {
    format: 'rapt-predictions/1',
    rows: [...examples.rows],
    predicted: [...answer.predicted],
    probability: [...answer.probability],
  };
  writeFileSync(job.outputFile, JSON.stringify(predictions));
  const reconstruction = answer.reconstruction && {
    accuracy: answer.reconstruction.correct / answer.reconstruction.n,
    n: answer.reconstruction.n,
  };
  await report({ type: 'finished', reconstruction });
}

function reconstructionHead(checkpointFolder: string) {
  const { parameters } = readCheckpoint(checkpointFolder);
  return Object.fromEntries(
    [PARAMETER.reconstructionW1, PARAMETER.reconstructionW2].flatMap((name) =>
      parameters[name] ? [[name, parameters[name]]] : [],
    ),
  );
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
