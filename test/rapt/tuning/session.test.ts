import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { MANIFEST_FILE, releaseManifestSchema, type Sha256 } from '../../../contracts/index.ts';
import { locateBackbone, type BackboneFiles } from '../../../rapt/backbone/index.ts';
import { tune, type Tuned } from '../../../rapt/local/index.ts';
import {
  adapterDigest,
  openEncoder,
  readState,
  trainingDigest,
  TuningSession,
  type SessionOptions,
} from '../../../rapt/tuning/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const checkpointFolder = join(folder, 'checkpoint');
let tuned: Tuned;
let backbone: BackboneFiles;
let options: SessionOptions;

before(async () => {
  const model = writeTinyModel(join(folder, 'tiny'));
  const train = join(folder, 'texts.csv');
  const rows = Array.from({ length: 40 }, (_, row) => `w${5 + (row % 9)} w${20 + (row % 2)},${row % 2}\n`);
  writeFileSync(train, `text,label\n${rows.join('')}`);
  tuned = await tune(
    { data: { train }, backbone: model, audit: false, tuning: { epochs: 2, batchSize: 8 } },
    { adapter: join(folder, 'adapter'), home: join(folder, 'home') },
  );
  backbone = await locateBackbone(model);
  const { config, release } = tuned;
  const manifest = releaseManifestSchema.parse(JSON.parse(readFileSync(join(release.folder, MANIFEST_FILE), 'utf8')));
  options = {
    encoder: await openEncoder(backbone.folder, config.tuning.input, manifest.guarantee),
    backboneFolder: backbone.folder,
    releaseFolder: release.folder,
    manifest,
    options: config.tuning,
    trainingDigest: trainingDigest(release.sha256, backbone.sha256, config.tuning),
  };
});

const adapterOf = (session: TuningSession): Sha256 =>
  adapterDigest(session.encode({ release: tuned.release.sha256, backbone }));

test('a session that stops, and one that resumes its checkpoint, end with the adapter of a whole tuning', async () => {
  const stopped = await TuningSession.open(options);
  await stopped.train({ untilStep: 3 });
  assert.equal(stopped.stepsDone, 3);
  assert.ok(stopped.totalSteps > 3);
  assert.notEqual(adapterOf(stopped), tuned.adapter.sha256);
  stopped.checkpoint(checkpointFolder);
  assert.equal(readState(join(checkpointFolder, 'state.json')).step, 3);

  const resumed = await TuningSession.open({ ...options, checkpointFolder });
  assert.equal(resumed.stepsDone, 3);
  for (const session of [stopped, resumed]) {
    await session.train();
    assert.equal(session.stepsDone, session.totalSteps);
    assert.equal(adapterOf(session), tuned.adapter.sha256);
  }
});

test('a training waits for who hears of a step, and is asked after each whether it stops', async () => {
  const session = await TuningSession.open(options);
  const seen: string[] = [];
  await session.train({
    onStep: async ({ step }, stepMs) => {
      assert.ok(stepMs > 0);
      seen.push(`step ${step}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen.push('heard');
    },
    isStopped: () => seen.push('asked') >= 6,
  });
  assert.deepEqual(seen, ['step 1', 'heard', 'asked', 'step 2', 'heard', 'asked']);
  await session.train({ untilStep: 1 });
  assert.equal(session.stepsDone, 2, 'a step that is done already is not taken again');
});

test('a session answers each test row of its release once, and leaves the labels to others', async () => {
  const session = await TuningSession.open(options);
  await session.train();
  const { rows, predicted, probability, reconstruction } = await session.grade();
  assert.equal(new Set(rows).size, tuned.metrics.test.n);
  assert.deepEqual([predicted.length, probability.length], [rows.length, rows.length]);
  assert.deepEqual(reconstruction, tuned.metrics.test.reconstruction);
});

test('a damaged checkpoint is refused, and the refusal names its file', async () => {
  const damaged = join(folder, 'damaged');
  (await TuningSession.open(options)).checkpoint(damaged);
  writeFileSync(join(damaged, 'state.json'), '{}');
  await assert.rejects(TuningSession.open({ ...options, checkpointFolder: damaged }), {
    kind: 'RaptCorruptArtifact',
    message: /state\.json is not a checkpoint's state/,
  });
});
