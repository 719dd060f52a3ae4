/** How good the tuned model is under one choice and under another: the same tuning on several seeds, with fresh noise
 *  for each seed. Choices with the same privacy settings share the noisy texts of a seed, so the difference between
 *  them is due to the choice alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, type TuningConfig, type TuningInput } from '../contracts/index.ts';
import { locateBackbone, openBackbone, type Encoder } from '../rapt/backbone/index.ts';
import { inspectTables } from '../rapt/data/index.ts';
import { createMechanism } from '../rapt/privacy/index.ts';
import { drawRelease, hashInputs, readLocalLabels } from '../rapt/release/index.ts';
import { openEncoder, trainingDigest, TuningSession } from '../rapt/tuning/index.ts';
import type { Measurement } from './measurement.ts';
import { configOf } from './service.ts';

type Arm = Pick<TuningInput, 'privacy' | 'tuning'>;

const DATA = { train: 'movie-reviews', maxTrainRows: 2000, maxTestRows: 1500 } as const;
const EPOCHS = 3;
const DEFAULT_SEEDS = 5;

const EXPERIMENTS: Readonly<Record<string, Readonly<Record<string, Arm>>>> = {
  mechanisms: {
    'exponential, eta 14': { privacy: { mechanism: 'exponential', eta: 14 } },
    'laplace, eta 75': { privacy: { mechanism: 'laplace', eta: 75 } },
    'no noise': { privacy: { mechanism: 'none' } },
  },
  posterior: {
    'embedding of the released token': {},
    'posterior mean embedding': { tuning: { input: 'posterior' } },
  },
  labels: {
    'labels as they are': {},
    ...Object.fromEntries(
      [1, 3].flatMap((labelEpsilon) =>
        (['none', 'forward'] as const).map((labelCorrection): [string, Arm] => [
          `label epsilon ${labelEpsilon}, correction ${labelCorrection}`,
          { privacy: { labelEpsilon }, tuning: { labelCorrection } },
        ]),
      ),
    ),
  },
};

interface Outcome {
  readonly accuracy: number;
  readonly unchangedRate: number;
}

/** @param args name of the experiment, and number of seeds. */
export async function utilityBench(args: readonly string[]): Promise<Measurement> {
  const [name = 'mechanisms', seeds = String(DEFAULT_SEEDS)] = args;
  const arms = EXPERIMENTS[name];
  if (arms === undefined) throw new Error(`the experiments are ${Object.keys(EXPERIMENTS).join(', ')}`);
  const outcomes: Record<string, Outcome[]> = Object.fromEntries(Object.keys(arms).map((arm) => [arm, []]));
  for (let seed = 0; seed < Number(seeds); seed++) {
    const folder = mkdtempSync(join(tmpdir(), 'rapt-utility-'));
    try {
      for (const [arm, { privacy, tuning }] of Object.entries(arms)) {
        const outcome = await tune(
          configOf({ data: DATA, ...(privacy ? { privacy } : {}), tuning: { epochs: EPOCHS, seed, ...tuning } }),
          folder,
        );
        outcomes[arm]!.push(outcome);
        const [accuracy, unchanged] = [outcome.accuracy.toFixed(4), outcome.unchangedRate.toFixed(4)];
        process.stderr.write(`seed ${seed}, ${arm}: accuracy ${accuracy}, unchanged ${unchanged}\n`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const [first] = Object.values(outcomes);
  const results = Object.entries(outcomes).map(([arm, runs]) => ({
    arm,
    unchangedRate: meanOf(runs.map(({ unchangedRate }) => unchangedRate)),
    accuracy: intervalOf(runs.map(({ accuracy }) => accuracy)),
    accuracies: runs.map(({ accuracy }) => accuracy),
    /** Of the accuracy to that of the first arm, seed by seed. */
    difference: intervalOf(runs.map(({ accuracy }, seed) => accuracy - first![seed]!.accuracy)),
  }));
  return { results: { experiment: name, data: DATA, epochs: EPOCHS, arms: results }, ratios: {} };
}

const encoders = new Map<string, Encoder>();

/** One release, one training, one test, in this process. @param folder holds the releases of this seed, one for each
 *  choice of privacy settings. */
async function tune(config: TuningConfig, folder: string): Promise<Outcome> {
  const { folder: model } = await locateBackbone(config.backbone);
  const { table, outputIds, tokenizer, description } = await openBackbone(config.backbone);
  const { mechanism: name, eta } = config.privacy;
  const mechanism = createMechanism({ name, eta, table, outputIds });
  const inspection = await inspectTables(config.data);
  const releaseFolder = join(folder, Buffer.from(canonicalJson(config.privacy)).toString('hex').slice(0, 200));
  const { manifest, digest, unchangedRate } = await drawRelease({
    config,
    inspection,
    inputs: await hashInputs(inspection.tables),
    backbone: description,
    outputIds,
    folder: releaseFolder,
    tokenizer,
    mechanism,
  }).finally(() => mechanism.dispose());
  const frozen = `${config.tuning.input} ${name} ${manifest.guarantee.eta}`;
  const encoder = encoders.get(frozen) ?? (await openEncoder(model, config.tuning.input, manifest.guarantee));
  encoders.set(frozen, encoder);
  const { tuning } = config;
  const session = await TuningSession.open({
    encoder,
    backboneFolder: model,
    releaseFolder,
    manifest,
    options: tuning,
    trainingDigest: trainingDigest(digest, description.sha256, tuning),
  });
  await session.train();
  const { predicted } = await session.grade();
  const { labels } = await readLocalLabels(releaseFolder);
  const right = predicted.reduce((sum, answer, row) => sum + (answer === labels[row] ? 1 : 0), 0);
  return { accuracy: right / predicted.length, unchangedRate };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Two-sided 95 % quantiles of Student's t for 1 to 9 degrees of freedom. */
const T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** Mean with its 95 % interval under normal errors. */
function intervalOf(values: readonly number[]): { mean: number; low: number | null; high: number | null } {
  const mean = meanOf(values);
  const t = T95[values.length - 2];
  if (t === undefined) return { mean, low: null, high: null };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  const half = (t * deviation) / Math.sqrt(values.length);
  return { mean, low: mean - half, high: mean + half };
}
