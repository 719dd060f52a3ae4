/** Reports of runs that never were. */
import type { FrontierPoint, Rate, ReportData, Sha256 } from '../../contracts/index.ts';
import { guarantee } from '../rapt/release/fakes.ts';

export const sha256 = 'a'.repeat(64) as Sha256;
const ref = (key: string) => ({ bucket: 'rapt', key, sha256, sizeBytes: 10 });
const rate = (value: number): Rate => ({ value, low: value - 0.01, high: value + 0.01 });
/** Few rows, and names that would be markup. */
export const smallReport: ReportData = {
  format: 'rapt-report/1',
  run: 'nightly <b>',
  tenant: 'local',
  config: {
    data: { train: '/home/somebody/secret folder/reviews.csv' },
    backbone: 'sentence-transformers/all-MiniLM-L6-v2',
  },
  classes: ['good & fair', '<script>alert(1)</script>', 'bad'],
  classCounts: [10, 10, 10],
  rows: { train: 30, test: 9 },
  metrics: {
    accuracy: 6 / 9,
    f1: 0.6,
    n: 9,
    majorityRate: 3 / 9,
    confusion: [
      [2, 1, 0],
      [1, 2, 0],
      [0, 1, 2],
    ],
    reconstruction: { accuracy: 0.25, n: 36 },
  },
  baseline: { run: 'plain', accuracy: 7 / 9 },
  named: null,
  guarantee: { ...guarantee, covered: ['the words'], notCovered: ['the number of words'] },
  textLengths: { p05: 7, p50: 24, p95: 52 },
  unchangedRate: 0.5,
  audit: {
    texts: 30,
    tokens: 200,
    attacks: [{ attack: 'bayes', success: rate(0.517), priorOnly: rate(0.011), mostFrequent: rate(0.052), n: 200 }],
    attributes: [
      { attribute: 'age', values: 3, success: rate(0.41), priorOnly: rate(0.4), onPlainText: rate(0.6), n: 9 },
    ],
    deniability: {
      types: 20,
      draws: 1000,
      staysItself: { p05: 0.1, p50: 0.61, p95: 0.9 },
      differentOutputs: { p05: 10, p50: 321, p95: 500 },
    },
  },
  history: [1, 2, 3].map((step) => ({
    step,
    epoch: step / 3,
    loss: 3 / step,
    taskLoss: 1 / step,
    reconstructionLoss: 2 / step,
    accuracy: 0.5,
    reconstructionAccuracy: 0.1 * step,
    gradientNorm: 1,
  })),
  adapter: {
    digest: sha256,
    files: {
      'adapter_config.json': ref('a'),
      'adapter_model.safetensors': ref('b'),
      'head.safetensors': ref('c'),
      'rapt.json': ref('d'),
    },
  },
  release: { digest: sha256, manifest: ref('m') },
  gates: [{ gate: 'accuracy>=0.7', value: 6 / 9, passed: false }],
  timing: { train: 12 },
  resumed: null,
  frontier: [],
  others: [],
  lineage: { backbone: 'e'.repeat(64) as Sha256, configuration: 'f'.repeat(64) as Sha256, code: '0.1.0' },
};

const point = (eta: number, stays: number, bayes: number): FrontierPoint => ({
  mechanism: 'exponential',
  eta,
  unchanged: stays * 0.9,
  unchangedInText: stays,
  bayes,
  bayesTop10: Math.min(1, bayes * 1.3),
  priorOnly: 0.097,
});
const STEPS = 375;

/** As a nightly run of the default task gives it. */
export const usualReport: ReportData = {
  ...smallReport,
  run: 'nightly-reviews-2026-11-20',
  config: {
    tenant: 'local',
    data: {
      train: 'FILE.csv',
      textColumn: 'text',
      labelColumn: 'label',
      attributeColumns: ['COLUMN'],
      testFraction: 0.2,
      maxTokens: 64,
    },
    privacy: { mechanism: 'exponential', eta: 14 },
    backbone: 'sentence-transformers/all-MiniLM-L6-v2',
    tuning: { method: 'prefix', length: 20, epochs: 3, batchSize: 32, learningRate: 0.005, seed: 1, resumeFrom: [] },
    gates: { accuracy: '>=baseline-0.05', bayes: '<=0.55' },
  },
  classes: ['negative', 'neutral', 'positive'],
  classCounts: [3210, 1890, 3384],
  rows: { train: 8484, test: 2121 },
  metrics: {
    accuracy: 1474 / 2121,
    f1: 0.668,
    n: 2121,
    majorityRate: 0.399,
    confusion: [
      [588, 120, 95],
      [101, 268, 103],
      [92, 136, 618],
    ],
    reconstruction: { accuracy: 0.31, n: 8484 },
  },
  baseline: { run: 'plain-reviews', accuracy: 0.783 },
  named: { run: 'main-2026-11-13', accuracy: 0.688 },
  guarantee: {
    ...guarantee,
    eta: 14,
    tightestEta: 13.2,
    numericalSlack: 0.0016,
    table: {
      sha256: 'c'.repeat(64),
      rows: 30_522,
      dimensions: 384,
      outputTokens: 29_518,
      norm: { p05: 1.1, p50: 1.36, p95: 1.5 },
      neighbourDistance: { p05: 0.42, p50: 0.96, p95: 1.18 },
    },
    neighbourLogRatio: { p05: 5.9, p50: 13.5, p95: 16.5 },
    expectedUnchanged: 0.497,
    statement: "Each token is replaced by a public token y with P(y|x)/P(y|x') at most exp(eta * distance), eta = 14",
    covered: ['which words a text has, token by token', 'the words of test rows'],
    notCovered: ['how many tokens a text has', 'the training labels', 'that a text takes part at all'],
  },
  audit: {
    texts: 900,
    tokens: 20_113,
    attacks: [
      {
        attack: 'inversion',
        success: { value: 0.497, low: 0.488, high: 0.506 },
        priorOnly: { value: 0.001, low: 0, high: 0.002 },
        mostFrequent: { value: 0.052, low: 0.048, high: 0.056 },
        n: 20_113,
      },
      {
        attack: 'bayes',
        success: { value: 0.517, low: 0.508, high: 0.526 },
        priorOnly: { value: 0.001, low: 0, high: 0.002 },
        mostFrequent: { value: 0.052, low: 0.048, high: 0.056 },
        n: 20_113,
      },
      {
        attack: 'context',
        success: { value: 0.561, low: 0.552, high: 0.57 },
        priorOnly: { value: 0.001, low: 0, high: 0.002 },
        mostFrequent: { value: 0.052, low: 0.048, high: 0.056 },
        n: 20_113,
      },
    ],
    attributes: [
      { attribute: 'town', values: 4, success: rate(0.31), priorOnly: rate(0.29), onPlainText: rate(0.42), n: 900 },
    ],
    deniability: {
      types: 256,
      draws: 1000,
      staysItself: { p05: 0.1, p50: 0.61, p95: 0.9 },
      differentOutputs: { p05: 10, p50: 321, p95: 500 },
    },
  },
  history: Array.from({ length: 75 }, (_, at) => {
    const step = ((at + 1) * STEPS) / 75;
    const taskLoss = 0.62 + 0.5 * Math.exp(-step / 90);
    const reconstructionLoss = 4.1 + 3.2 * Math.exp(-step / 60);
    return {
      step,
      epoch: step / 125,
      loss: taskLoss + 0.1 * reconstructionLoss,
      taskLoss,
      reconstructionLoss,
      accuracy: 0.7 - 0.3 * Math.exp(-step / 80),
      reconstructionAccuracy: 0.31 - 0.3 * Math.exp(-step / 120),
      gradientNorm: 1.2,
    };
  }),
  gates: [
    {
      gate: 'accuracy>=baseline-0.05',
      value: 1474 / 2121,
      passed: true,
      bound: 0.638,
      baseline: { run: 'main-2026-11-13', value: 0.688 },
    },
    { gate: 'bayes<=0.55', value: 0.517, passed: true, bound: 0.55 },
  ],
  timing: { validate: 1.2, privatize: 21.4, publish: 0.9, train: 141.3, predict: 6.1, audit: 22.8, score: 0.2 },
  frontier: [
    point(9.626, 0.066, 0.068),
    point(10.65, 0.11, 0.113),
    point(11.82, 0.199, 0.204),
    point(12.65, 0.279, 0.285),
    point(14.12, 0.44, 0.448),
    point(15.82, 0.606, 0.613),
    point(19.52, 0.785, 0.787),
  ],
  others: [
    {
      run: 'main-2026-11-13',
      mechanism: 'exponential',
      eta: 14,
      unchangedRate: 0.497,
      bayes: { value: 0.515, low: 0.506, high: 0.524 },
      accuracy: 0.688,
      n: 2121,
      sameData: true,
    },
    {
      run: 'eta-12',
      mechanism: 'exponential',
      eta: 12,
      unchangedRate: 0.243,
      bayes: { value: 0.262, low: 0.25, high: 0.27 },
      accuracy: 0.571,
      n: 2121,
      sameData: true,
    },
    {
      run: 'plain-reviews',
      mechanism: 'none',
      eta: null,
      unchangedRate: 1,
      bayes: null,
      accuracy: 0.783,
      n: 2121,
      sameData: true,
    },
    {
      run: 'support-mails',
      mechanism: 'exponential',
      eta: 16,
      unchangedRate: 0.629,
      bayes: null,
      accuracy: 0.84,
      n: 812,
      sameData: false,
    },
  ],
};
