/** Activities that answer at once with something of the right form. */
import {
  CHECKPOINT_FILES,
  type AdapterFile,
  type ArtifactRef,
  type CheckpointFile,
  type Guarantee,
  type Sha256,
} from '../../contracts/index.ts';
import type { Activities } from './workflow-server.ts';

const sha = (digit: string): Sha256 => digit.repeat(64) as Sha256;
const ref = (key: string): ArtifactRef => ({ bucket: 'rapt', key, sha256: sha('a'), sizeBytes: 1 });
const quantiles = { p05: 1, p50: 1, p95: 1 };
const guarantee: Guarantee = {
  mechanism: 'exponential',
  private: true,
  eta: 14,
  numericalSlack: 0.001,
  numericalDelta: 0,
  tightestEta: null,
  table: {
    sha256: sha('b'),
    rows: 100,
    dimensions: 8,
    outputTokens: 90,
    norm: quantiles,
    neighbourDistance: quantiles,
  },
  neighbourLogRatio: quantiles,
  expectedUnchanged: 0.5,
  statement: 'statement',
  covered: ['covered'],
  notCovered: ['not covered'],
};
const adapterFiles: readonly AdapterFile[] = [
  'adapter_config.json',
  'adapter_model.safetensors',
  'head.safetensors',
  'rapt.json',
];
const adapter = {
  digest: sha('c'),
  files: Object.fromEntries(adapterFiles.map((file) => [file, ref(file)])) as Record<AdapterFile, ArtifactRef>,
};
const release = { digest: sha('d'), manifest: { ...ref('manifest.json'), sha256: sha('d') } };

export const STEPS_PER_EPOCH = 10;

export const simpleActivities: Activities = {
  inspect: () => Promise.resolve({ rows: { train: 80, test: 20 } }),
  privatize: () =>
    Promise.resolve({
      localKey: 'key',
      digest: release.digest,
      rows: { train: 80, test: 20 },
      unchangedRate: 0.5,
      guarantee,
      backboneSha256: sha('e'),
      reused: false,
    }),
  publish: () => Promise.resolve(release),
  train: ({ untilStep, tuning }) => {
    const epochs = tuning.extensions.reduce((sum, more) => sum + more, tuning.epochs);
    return Promise.resolve({
      step: untilStep ?? STEPS_PER_EPOCH,
      totalSteps: epochs * STEPS_PER_EPOCH,
      stepsPerEpoch: STEPS_PER_EPOCH,
      lastLoss: 1,
      losses: [2, 1],
      resumed: null,
    });
  },
  assembleAdapter: () =>
    Promise.resolve({
      adapter,
      checkpoint: {
        step: 30,
        trainingDigest: sha('f'),
        loss: 1,
        files: Object.fromEntries(CHECKPOINT_FILES.map((file) => [file, ref(file)])) as Record<
          CheckpointFile,
          ArtifactRef
        >,
      },
      code: '0.0.0',
      history: [],
    }),
  predict: () => Promise.resolve({ predictions: ref('predictions'), reconstruction: null }),
  audit: () => Promise.resolve({ texts: 0, tokens: 0, attacks: [], deniability: null }),
  score: () => Promise.resolve({ metrics: { accuracy: 0.7, f1: 0.7, n: 20, reconstruction: null }, gates: [] }),
  report: () => Promise.resolve({ uri: 's3://rapt/report', artifact: ref('report') }),
  register: () => Promise.resolve(),
  notify: () => Promise.resolve(),
  preparePrediction: () =>
    Promise.resolve({
      prediction: 'p',
      tenant: 'local',
      localKey: 'key',
      release,
      adapter,
      backbone: 'model',
      guarantee,
      input: { path: '/data/in.csv', text: 'text' },
    }),
  finishPrediction: () => Promise.resolve({ rows: 3, out: '/data/out.csv', accuracy: null }),
};
