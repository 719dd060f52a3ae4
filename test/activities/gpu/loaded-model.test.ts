import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { LoadedModel } from '../../../activities/gpu/model/loaded-model.ts';
import type { TrainJob } from '../../../activities/gpu/model/protocol.ts';
import {
  CHECKPOINT_FILES,
  MANIFEST_FILE,
  releaseManifestSchema,
  type ReleaseManifest,
  type Sha256,
} from '../../../contracts/index.ts';
import { tune } from '../../../rapt/local/index.ts';
import { tf } from '../../../rapt/tensorflow.ts';
import type { TuningSession } from '../../../rapt/tuning/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const [one, other] = [join(folder, 'one'), join(folder, 'other')];
const readManifest = (of: string): ReleaseManifest =>
  releaseManifestSchema.parse(JSON.parse(readFileSync(join(of, MANIFEST_FILE), 'utf8')));
const model = new LoadedModel();
let job: TrainJob;
let manifest: ReleaseManifest;

before(async () => {
  writeTinyModel(one);
  writeTinyModel(other, 2);
  const train = join(folder, 'texts.csv');
  const rows = Array.from({ length: 40 }, (_, row) => `w${5 + (row % 9)} w${20 + (row % 2)},${row % 2}\n`);
  writeFileSync(train, `text,label\n${rows.join('')}`);
  const { release, config } = await tune(
    { data: { train }, backbone: one, audit: false, tuning: { epochs: 1, batchSize: 8 } },
    { adapter: join(folder, 'adapter'), home: join(folder, 'home') },
  );
  manifest = readManifest(release.folder);
  job = {
    kind: 'train',
    backboneFolder: one,
    releaseFolder: release.folder,
    options: config.tuning,
    trainingDigest: 'd'.repeat(64) as Sha256,
    checkpointFolder: null,
    fromStep: 0,
    untilStep: 2,
    outputFolder: folder,
  };
});

const open = (backbone: string) => model.encoder(backbone, 'released', manifest);

const checkpointFolder = join(folder, 'checkpoint');

/** Steps once from the job's beginning, and writes its checkpoint. */
async function stepped(): Promise<{ session: TuningSession; next: TrainJob }> {
  const session = await model.takeSession(job, readManifest);
  await session.step();
  session.checkpoint(checkpointFolder);
  return { session, next: { ...job, fromStep: 1, checkpointFolder } };
}

/** The bytes of the checkpoint that a session would write now. */
function checkpointOf(session: TuningSession): Buffer[] {
  const now = join(folder, 'now');
  session.checkpoint(now);
  return CHECKPOINT_FILES.map((file) => readFileSync(join(now, file)));
}

test('one encoder is in memory, however often a job wants another than the job before', async () => {
  await open(one);
  const { numTensors, numBytes } = tf.memory();
  for (let turn = 0; turn < 5; turn++) for (const backbone of [other, one]) await open(backbone);
  assert.deepEqual([tf.memory().numTensors, tf.memory().numBytes], [numTensors, numBytes]);
  assert.equal(await open(one), await open(one), 'the one that is there is not loaded again');
});

test('training between encoders leaves nothing behind either', async () => {
  await open(one);
  const { numTensors } = tf.memory();
  for (let turn = 0; turn < 3; turn++) {
    model.keep((await stepped()).session, job.trainingDigest);
    await open(other);
  }
  await open(one);
  assert.equal(tf.memory().numTensors, numTensors);
});

test('a training goes on from memory, or from its checkpoint after another encoder, to the same bytes', async () => {
  const { session, next } = await stepped();
  model.keep(session, job.trainingDigest);
  assert.equal(await model.takeSession(next, readManifest), session);
  await session.step();
  const undisturbed = checkpointOf(session);

  const again = await stepped();
  model.keep(again.session, job.trainingDigest);
  await open(other);
  const read = await model.takeSession(again.next, readManifest);
  assert.notEqual(read, again.session);
  await read.step();
  assert.deepEqual(checkpointOf(read), undisturbed);
  assert.notEqual(await model.takeSession(job, readManifest), read, 'no other job gets one that was not handed back');
});
