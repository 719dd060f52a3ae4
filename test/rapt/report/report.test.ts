import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rate, ReportData, Sha256 } from '../../../contracts/index.ts';
import { renderReport, sparseCurve } from '../../../rapt/report/index.ts';
import { guarantee } from '../release/fakes.ts';

const sha256 = 'a'.repeat(64) as Sha256;
const ref = (key: string) => ({ bucket: 'rapt', key, sha256, sizeBytes: 10 });
const rate = (value: number): Rate => ({ value, low: value - 0.01, high: value + 0.01 });
const data: ReportData = {
  run: 'nightly <b>',
  tenant: 'local',
  config: { data: { train: '/home/somebody/secret folder/reviews.csv' }, backbone: 'sentence-transformers/all-MiniLM-L6-v2' },
  classes: ['good & fair', '<script>alert(1)</script>', 'bad'],
  classCounts: [10, 10, 10],
  rows: { train: 30, test: 9 },
  metrics: { accuracy: 6 / 9, f1: 0.6, n: 9, majorityRate: 3 / 9, confusion: [[2, 1, 0], [1, 2, 0], [0, 1, 2]], reconstruction: { accuracy: 0.25, n: 36 } },
  baseline: { run: 'plain', accuracy: 7 / 9 },
  named: null,
  guarantee: { ...guarantee, covered: ['the words'], notCovered: ['the number of words'] },
  textLengths: { p05: 7, p50: 24, p95: 52 },
  unchangedRate: 0.5,
  audit: {
    texts: 30,
    tokens: 200,
    attacks: [{ attack: 'bayes', success: rate(0.517), priorOnly: rate(0.052), n: 200 }],
    attributes: [{ attribute: 'age', values: 3, success: rate(0.41), priorOnly: rate(0.4), onPlainText: rate(0.6), n: 9 }],
    deniability: { types: 20, draws: 1000, staysItself: { p05: 0.1, p50: 0.61, p95: 0.9 }, differentOutputs: { p05: 10, p50: 321, p95: 500 } },
  },
  history: [1, 2, 3].map((step) => ({ step, epoch: step / 3, loss: 3 / step, taskLoss: 1 / step, reconstructionLoss: 2 / step, accuracy: 0.5, reconstructionAccuracy: 0.1 * step, gradientNorm: 1 })),
  adapter: { digest: sha256, files: { 'adapter_config.json': ref('a'), 'adapter_model.safetensors': ref('b'), 'head.safetensors': ref('c'), 'rapt.json': ref('d') } },
  release: { digest: sha256, manifest: ref('m') },
  gates: [{ gate: 'accuracy>=0.7', value: 6 / 9, passed: false }],
  timing: { train: 12 },
  resumed: null,
};

test('the page answers how good, how private, and against what', () => {
  const page = renderReport(data);
  for (const part of ['51.7 % (50.7 % to 52.7 %)', '5.2 %', '321', 'age', '66.7 %', '77.8 %', '33.3 %', 'eta = 14', 'the number of words', '7 / 24 / 52 tokens', '25.0 %', '✗ missed', sha256]) assert.ok(page.includes(part), `lacks ${part}`);
  assert.ok((page.match(/<svg/g) ?? []).length >= 2, 'curves and confusion matrix are drawn');
});

test('names are shown as text, and files and folders of the data owner are not named', () => {
  const page = renderReport(data);
  assert.doesNotMatch(page, /<script|nightly <b>/);
  assert.match(page, /good &amp; fair/);
  assert.match(page, /FILE\.csv/);
  assert.doesNotMatch(page, /reviews|secret folder|somebody/);
  assert.match(page, /sentence-transformers\/all-MiniLM-L6-v2/);
});

test('nothing is loaded from anywhere, and equal data give equal bytes', () => {
  const page = renderReport(data);
  assert.doesNotMatch(page, /(?:src|href)="(?!#)/);
  assert.equal(renderReport(data), page);
});

test('a gate against a baseline shows the bound, and where it comes from', () => {
  const gates = [{ gate: 'accuracy>=baseline-0.01', value: 6 / 9, passed: false, bound: 0.77, baseline: { run: 'main <1>', value: 0.78 } }];
  const page = renderReport({ ...data, gates, named: { run: 'main <1>', accuracy: 0.78 } });
  assert.match(page, /0\.77 \(run <code>main &lt;1&gt;<\/code>: 0\.78\)/);
  assert.match(page, /Baseline run <code>main &lt;1&gt;<\/code>, 11\.3 points above this run/);
});

test('a run without noise says so first', () => {
  const plain = renderReport({ ...data, guarantee: { ...data.guarantee, mechanism: 'none', private: false, eta: null, neighbourLogRatio: null, numericalSlack: null, statement: 'No privacy: the tokens are released as they are.' }, baseline: null });
  assert.match(plain, /No noise was added: the text left in plain tokens/);
  assert.match(plain, /No privacy: the tokens are released as they are/);
});

test('a curve is made sparse by means of neighbouring points, and keeps its end', () => {
  const point = (step: number) => ({ step, epoch: 0, loss: step, taskLoss: 0, reconstructionLoss: null, accuracy: step / 10, reconstructionAccuracy: null, gradientNorm: 0 });
  assert.deepEqual(sparseCurve([1, 2, 3, 4, 5].map(point), 3), [
    { step: 2, loss: 1.5, accuracy: 0.15 },
    { step: 4, loss: 3.5, accuracy: 0.35 },
    { step: 5, loss: 5, accuracy: 0.5 },
  ]);
  assert.deepEqual(sparseCurve([], 3), []);
});
