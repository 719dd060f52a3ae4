import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { PlainTrainer } from '../../support/plain-training.ts';
import { BadInput, parseTuningConfig, type TuningInput } from '../../../contracts/index.ts';
import { tenantFolder } from '../../../rapt/home.ts';
import { openPredictor, tune, type Tuned } from '../../../rapt/local/index.ts';
import { Ledger } from '../../../rapt/ledger/index.ts';
import { tf } from '../../../rapt/tensorflow.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');
const train = join(folder, 'texts.csv');
const backbone = join(folder, 'tiny');
const configuration = (more: Partial<TuningInput> = {}): TuningInput => ({
  data: { train },
  backbone,
  tuning: { epochs: 2, batchSize: 8 },
  gates: { accuracy: '>=0.1', bayes: '<=0.0' },
  ...more,
});
const adapter = (name: string): string => join(folder, name);
/** Two words whose class is readable from each of them. */
const tableLine = (row: number): string => {
  const first = row % 2 === 0 ? 5 : 25;
  return `w${first + (row % 9)} w${first + 1},${row % 2 === 0 ? 'a' : 'b'}\n`;
};
let tuned: Tuned;
const steps: number[] = [];

before(async () => {
  writeTinyModel(backbone);
  writeFileSync(train, `text,label\n${Array.from({ length: 40 }, (_, row) => tableLine(row)).join('')}`);
  tuned = await tune(configuration(), { adapter: adapter('first'), home, onStep: ({ step }) => steps.push(step) });
});

test('a tuning on one machine gives what a run gives: scores, attacks, gates, and the same adapter', async () => {
  const { metrics, audit, gates, release, config } = tuned;
  assert.equal(steps.at(-1), steps.length);
  assert.ok(metrics.test.n > 0 && metrics.test.reconstruction !== null);
  assert.ok(audit.attacks!.some(({ attack }) => attack === 'learned'));
  assert.deepEqual(
    gates.map(({ gate, passed }) => [gate, passed]),
    [
      ['accuracy>=0.1', true],
      ['bayes<=0.0', false],
    ],
  );
  assert.equal((await new PlainTrainer(backbone).train(release.folder, config.tuning)).adapter, tuned.adapter.sha256);
});

test('the same tuning again finds the release, which the ledger has once', async () => {
  const again = await tune(configuration({ audit: false }), { adapter: adapter('again'), home });
  assert.deepEqual(
    [again.release.reused, again.release.sha256, again.adapter.sha256],
    [true, tuned.release.sha256, tuned.adapter.sha256],
  );
  assert.deepEqual(again.audit, {});
  assert.equal((await new Ledger(tenantFolder(home, 'local')).releases()).length, 1);
});

test('one that is stopped throws the reason, and leaves no adapter that looks whole', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const stopped = tune(configuration(), {
    adapter: adapter('stopped'),
    home,
    signal: stop.signal,
    onStep: () => stop.abort(reason),
  });
  await assert.rejects(stopped, reason);
  await assert.rejects(openPredictor(adapter('stopped')), { kind: 'RaptCorruptArtifact' });
});

test('what is wrong with a configuration is told at once, and what needs the service is refused', async () => {
  const wrong = { tuning: { epochs: 0 }, privacy: { mechanism: 'exponentail' } } as unknown as TuningInput;
  const parsed = parseTuningConfig(wrong);
  await assert.rejects(
    tune(wrong, { adapter: adapter('wrong'), home }),
    (error: unknown) => error instanceof BadInput && !parsed.ok && error.problems.length === parsed.problems.length,
  );
  await assert.rejects(
    tune(configuration({ baseline: 'nightly', resumeFrom: 'yesterday' }), { adapter: adapter('wrong'), home }),
    (error: unknown) =>
      error instanceof BadInput && error.problems.map(({ where }) => where).join() === 'baseline,resumeFrom',
  );
});

test('what would stop a tuning at its end is told before anything is entered in the ledger', async () => {
  const publicText = join(folder, 'missing.txt');
  const elsewhere = join(folder, 'untouched');
  const other = writeTinyModel(join(folder, 'roberta'));
  // Of another family: its head is trained with the task.
  writeFileSync(
    join(other, 'config.json'),
    JSON.stringify({
      ...(JSON.parse(readFileSync(join(other, 'config.json'), 'utf8')) as object),
      model_type: 'roberta',
    }),
  );
  await assert.rejects(
    tune(configuration({ backbone: other, tuning: { pooling: 'pooler' }, audit: { publicText } }), {
      adapter: adapter('wrong'),
      home: elsewhere,
    }),
    (error: unknown) =>
      error instanceof BadInput &&
      error.problems.map(({ where }) => where).join() === 'tuning.pooling,audit.publicText',
  );
  assert.ok(!existsSync(elsewhere));
});

test('a predictor answers each text by a class of the adapter; nothing is entered in the ledger', async () => {
  const { predict, card } = await openPredictor(adapter('first'), { backbone });
  const answers = predict(['w5 w6', 'w25 w26', '']);
  assert.equal(answers.length, 3);
  for (const { prediction, probability } of answers)
    assert.ok(card.classes.includes(prediction) && probability >= 0.5 && probability <= 1);
  assert.deepEqual(predict([]), []);
  assert.throws(() => predict(['w5', ['w5', 'w6']]), /texts\[1\]: must be a single text/);
  assert.equal((await new Ledger(tenantFolder(home, 'local')).releases()).length, 1);
});

test("what a tuning and a predictor took of TensorFlow's memory is free afterwards", async () => {
  const before = tf.memory().numTensors;
  await tune(configuration({ audit: false }), { adapter: adapter('freed'), home });
  const { predict, dispose } = await openPredictor(adapter('first'), { backbone });
  assert.equal(predict(['w5 w6']).length, 1);
  assert.ok(tf.memory().numTensors > before);
  dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('a predictor refuses other weights than those that the adapter was trained on', async () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  cpSync(backbone, other, { recursive: true });
  writeTinyModel(other, 2);
  await assert.rejects(openPredictor(adapter('first'), { backbone: other }), /trained on other weights/);
});
