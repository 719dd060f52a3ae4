/** The process in which models run: trains or classifies, and tells the GPU worker that started it. It ends with its worker. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ClassifyJob, FromModelProcess, ToModelProcess, TrainJob } from '../activities/gpu/trainer-protocol.ts';
import { ErrorKind, MANIFEST_FILE, RaptError, releaseManifestSchema, type Predictions, type ReleaseManifest, type Sha256, type TuningOptions } from '../contracts/index.ts';
import { readFrameIds, type Encoder } from '../rapt/backbone/index.ts';
import {
  PARAMETER,
  classifyExamples,
  encodeCheckpoint,
  loadExamples,
  openEncoder,
  openTrainer,
  readAdapter,
  readCheckpoint,
  type Trainer,
} from '../rapt/tuning/index.ts';
import { isOutOfSpace } from '../system/index.ts';

let stopping = false;

function report(message: FromModelProcess): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}

/** What the last job left in memory, for the next one of the same run. */
let loaded: { readonly name: string; readonly encoder: Encoder } | null = null;
let trained: Trainer | null = null;
let trainedDigest: Sha256 | null = null;

/** A process keeps one model: its host gives it jobs of one backbone after the other only while that is the same. */
async function encoderOf(folder: string, input: TuningOptions['input'], { guarantee }: Pick<ReleaseManifest, 'guarantee'>): Promise<Encoder> {
  const name = input === 'released' ? folder : `${folder} ${guarantee.mechanism} ${guarantee.eta}`;
  if (loaded?.name !== name) loaded = { name, encoder: await openEncoder(folder, input, guarantee) };
  return loaded.encoder;
}

async function trainerFor(job: TrainJob): Promise<Trainer> {
  if (trained !== null && trainedDigest === job.trainingDigest && trained.step === job.fromStep) return trained;
  const manifest = readManifest(job.releaseFolder);
  const encoder = await encoderOf(job.backboneFolder, job.options.input, manifest);
  return openTrainer({ ...job, encoder, manifest, checkpoint: job.checkpointFolder === null ? null : readCheckpoint(job.checkpointFolder) });
}

async function train(job: TrainJob): Promise<void> {
  const trainer = await trainerFor(job);
  // Only a trainer that came to a clean stop is gone on with.
  trained = null;
  let saved = trainer.step;
  const save = async (): Promise<void> => {
    if (trainer.step === saved) return;
    const folder = join(job.outputFolder, String(trainer.step));
    mkdirSync(folder, { recursive: true });
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
  trained = trainer;
  trainedDigest = job.trainingDigest;
  await report(stopping ? { type: 'stopped' } : { type: 'finished', reconstruction: null });
}

async function classify(job: ClassifyJob): Promise<void> {
  const manifest = readManifest(job.releaseFolder);
  const adapter = readAdapter(job.adapterFolder);
  const encoder = await encoderOf(job.backboneFolder, adapter.card.input ?? 'released', manifest);
  const examples = await loadExamples(job.releaseFolder, manifest, 'test');
  const heads = job.checkpointFolder === null ? {} : reconstructionHead(job.checkpointFolder);
  const answer = classifyExamples(encoder, { ...adapter.parameters, ...heads }, adapter.card.method, examples, readFrameIds(job.backboneFolder), {
    pooling: adapter.card.pooling,
    onRows: (done) => void report({ type: 'rows', done }),
  });
  const predictions: Predictions = {
    format: 'rapt-predictions/1',
    rows: [...examples.rows],
    predicted: [...answer.predicted],
    probability: [...answer.probability],
  };
  writeFileSync(job.outputFile, JSON.stringify(predictions));
  const reconstruction = answer.reconstruction && { accuracy: answer.reconstruction.correct / answer.reconstruction.n, n: answer.reconstruction.n };
  await report({ type: 'finished', reconstruction });
}

function reconstructionHead(checkpointFolder: string) {
  const { parameters } = readCheckpoint(checkpointFolder);
  return Object.fromEntries(
    [PARAMETER.reconstructionW1, PARAMETER.reconstructionW2].flatMap((name) => (parameters[name] ? [[name, parameters[name]]] : [])),
  );
}

const readManifest = (folder: string): ReleaseManifest =>
  releaseManifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST_FILE), 'utf8')));

function describe(error: unknown): { kind: ErrorKind | null; message: string } {
  if (error instanceof RaptError) return { kind: error.kind, message: error.message };
  if (isOutOfSpace(error)) return { kind: ErrorKind.noSpace, message: "no space is left on the GPU worker's disk for a checkpoint; free some where its RAPT_HOME lies, and the run goes on by itself" };
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
