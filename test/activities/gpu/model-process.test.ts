/** The real model process, driven as a GPU worker drives it, against the same tuning in one process. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { createModelHost, MODEL_PROCESS_FILE, type FromModelProcess } from '../../../activities/gpu/model/index.ts';
import type { TrainJob } from '../../../activities/gpu/model/protocol.ts';
import { predictionsSchema, type Sha256 } from '../../../contracts/index.ts';
import { scoreAnswers } from '../../../rapt/client/index.ts';
import { tune, type Tuned } from '../../../rapt/local/index.ts';
import { readAdapter, readCheckpoint } from '../../../rapt/tuning/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const adapterFolder = join(folder, 'adapter');
/** More than the training has. Messages are JSON, which has no Infinity. */
const ALL_STEPS = 1000;
const host = createModelHost(MODEL_PROCESS_FILE, { stallTimeoutMs: 60_000 });
let tuned: Tuned;
let backboneFolder: string;
let job: TrainJob;
/** The last checkpoint of the whole training; set by the first test. */
let finalCheckpoint: string;

before(async () => {
  backboneFolder = writeTinyModel(join(folder, 'tiny'));
  const train = join(folder, 'texts.csv');
  const rows = Array.from({ length: 40 }, (_, row) => `w${5 + (row % 9)} w${20 + (row % 2)},${row % 2}\n`);
  writeFileSync(train, `text,label\n${rows.join('')}`);
  tuned = await tune(
    {
      data: { train },
      backbone: backboneFolder,
      audit: false,
      tuning: { epochs: 2, batchSize: 8, checkpointEverySteps: 2 },
    },
    { adapter: adapterFolder, home: join(folder, 'home') },
  );
  job = {
    kind: 'train',
    backboneFolder,
    releaseFolder: tuned.release.folder,
    options: tuned.config.tuning,
    trainingDigest: readAdapter(adapterFolder).card.trainingDigest!,
    checkpointFolder: null,
    fromStep: 0,
    untilStep: 3,
    outputFolder: join(folder, 'checkpoints'),
  };
});

/** What the process told while it trained, each message in a few words. */
async function trained(of: TrainJob, signal = new AbortController().signal): Promise<string[]> {
  const told: string[] = [];
  const onMessage = (message: FromModelProcess): void => {
    if (message.type === 'step' || message.type === 'checkpoint') told.push(`${message.type} ${message.step}`);
  };
  const { type } = await host.run({ job: of, onMessage, signal });
  return [...told, type];
}

test('two blocks of steps write their checkpoints and end with the weights of a whole tuning', async () => {
  assert.deepEqual(await trained(job), ['step 1', 'step 2', 'checkpoint 2', 'step 3', 'checkpoint 3', 'finished']);
  const checkpointFolder = join(job.outputFolder, '3');
  const rest = await trained({ ...job, checkpointFolder, fromStep: 3, untilStep: ALL_STEPS });
  assert.equal(rest.at(-1), 'finished');
  const last = rest.findLast((told) => told.startsWith('checkpoint '))!.slice('checkpoint '.length);
  finalCheckpoint = join(job.outputFolder, last);
  const { state, parameters } = readCheckpoint(finalCheckpoint);
  assert.equal(state.step, state.totalSteps);
  for (const [name, tensor] of Object.entries(readAdapter(adapterFolder).parameters))
    assert.deepEqual(parameters[name], tensor, name);
});

test('a process that is asked to stop saves its last whole step first', async () => {
  const stop = new AbortController();
  const told: FromModelProcess[] = [];
  const outcome = await host.run({
    // Long enough that the process is still training when it hears of the stop.
    job: {
      ...job,
      options: { ...job.options, epochs: 1000 },
      trainingDigest: 'd'.repeat(64) as Sha256,
      untilStep: ALL_STEPS,
      outputFolder: join(folder, 'stopped'),
    },
    onMessage: (message) => {
      told.push(message);
      if (message.type === 'step') stop.abort();
    },
    signal: stop.signal,
  });
  assert.equal(outcome.type, 'stopped');
  const steps = told.flatMap((message) => (message.type === 'step' ? [message.step] : []));
  const [checkpoint] = told.slice(-1);
  assert.ok(checkpoint?.type === 'checkpoint');
  assert.equal(checkpoint.step, steps.at(-1));
});

test('the answers of the process are those of a tuning in one process', async () => {
  const outputFile = join(folder, 'predictions.json');
  const { releaseFolder } = job;
  const done: number[] = [];
  const outcome = await host.run({
    job: {
      kind: 'classify',
      backboneFolder,
      releaseFolder,
      adapterFolder,
      checkpointFolder: finalCheckpoint,
      outputFile,
    },
    onMessage: (message) => {
      if (message.type === 'rows') done.push(message.done);
    },
    signal: new AbortController().signal,
  });
  const { rows, predicted } = predictionsSchema.parse(JSON.parse(readFileSync(outputFile, 'utf8')));
  assert.equal(done.at(-1), rows.length);
  assert.ok(outcome.type === 'finished');
  const { reconstruction } = outcome;
  assert.deepEqual({ ...(await scoreAnswers(releaseFolder, { rows, predicted })), reconstruction }, tuned.metrics.test);
});
