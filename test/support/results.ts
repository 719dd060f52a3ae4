/** The result of a run that never was. */
import type { OwnResult, Rate, Sha256 } from '../../contracts/index.ts';
import { guarantee } from '../rapt/release/fakes.ts';

const rate = (value: number): Rate => ({ value, low: value - 0.01, high: value + 0.01 });

export const tuned: OwnResult = {
  workflowId: 'pr-17',
  runId: '0190-4f',
  status: 'completed',
  metrics: {
    test: {
      accuracy: 0.657,
      f1: 0.651,
      n: 1500,
      majorityRate: 0.526,
      confusion: [
        [500, 211],
        [303, 486],
      ],
      reconstruction: null,
    },
  },
  privacy: {
    mechanism: 'exponential',
    eta: 14,
    unchangedRate: 0.5,
    backboneSha256: 'e'.repeat(64) as Sha256,
    guarantee: { ...guarantee, neighbourLogRatio: { p05: 9, p50: 13.5, p95: 20 } },
  },
  audit: {
    texts: 900,
    tokens: 20_000,
    attacks: [{ attack: 'bayes', success: rate(0.517), priorOnly: rate(0.011), mostFrequent: rate(0.052), n: 20_000 }],
    attributes: [],
    deniability: null,
  },
  gates: [
    { gate: 'accuracy>=0.6', value: 0.657, passed: true, bound: 0.6 },
    {
      gate: 'accuracy>=baseline-0.01',
      value: 0.657,
      passed: false,
      bound: 0.67,
      baseline: { run: 'main-1', value: 0.68 },
    },
  ],
  adapter: { uri: 's3://rapt/adapters/local/aa/', sha256: 'a'.repeat(64) as Sha256 },
  release: { uri: 's3://rapt/releases/local/bb/', sha256: 'b'.repeat(64) as Sha256, reused: true },
  report: { uri: 's3://rapt/reports/local/pr-17/index.html', path: '/home/somebody/report.html' },
  resumed: null,
  timing: { validate: 1, train: 30.5 },
  baselines: { named: { run: 'main-1', accuracy: 0.68 }, plain: { run: 'plain', accuracy: 0.783 } },
  training: {
    curve: [
      { step: 5, loss: 1.2, accuracy: 0.5 },
      { step: 10, loss: 0.9, accuracy: 0.6 },
      { step: 15, loss: 0.7, accuracy: 0.7 },
    ],
  },
};

/** What a name, a message or a path may hold at worst. */
export const AWKWARD =
  'a <b> & "c" \'d\' ]]> | `e` *f* _g_ [h](i) # $j$ \\ é 😀 \u0000\u0008\u001b[31m\ttab\nnext line \ud800 \ufffe';
