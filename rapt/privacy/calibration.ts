/** Choosing eta by what it does to words, on the public table, before any private text is touched. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { OutputGeometry, type EmbeddingTable } from './geometry.ts';
import { TokenSample } from './survey.ts';

/** The mechanisms that add noise. */
export type NoisyMechanismName = 'exponential' | 'laplace';

/** An eta, and what it does. */
export interface Calibration {
  /** Rounded to 4 significant digits or fewer, so that machines that sum in another order agree. */
  readonly eta: number;
  /** Expected share of output tokens that stay themselves at this eta. */
  readonly unchanged: number;
}

const SMALLEST_ETA = 1e-3;
const LARGEST_ETA = 1e5;
/** Halvings of the logarithm of eta: far below the fourth digit. */
const HALVINGS = 24;

/** The eta at which this share of output tokens, all counted alike, stays itself in expectation. In a text frequent words count more.
 *  @param o.digits of eta; default 4. @throws RaptError badInput when no eta gives this share. */
export function calibrate(o: { name: NoisyMechanismName; table: EmbeddingTable; outputIds: Int32Array; targetUnchanged: number; digits?: number }): Calibration {
  return withSample(o, (sample) => {
    const eta = Number(calibratedEta(sample, o.name, o.targetUnchanged).toPrecision(o.digits ?? 4));
    return { eta, unchanged: unchangedRate(sample, o.name, eta) };
  });
}

/** Expected share of output tokens, all counted alike, that stay themselves. */
export function expectedUnchanged(o: { name: NoisyMechanismName; table: EmbeddingTable; outputIds: Int32Array; eta: number }): number {
  return withSample(o, (sample) => unchangedRate(sample, o.name, o.eta));
}

export function unchangedRate(sample: TokenSample, name: NoisyMechanismName, eta: number): number {
  if (name === 'exponential') return sample.exponentialUnchanged(eta);
  const critical = sample.laplaceCriticalEtas();
  return critical.filter((one) => one < eta).length / critical.length;
}

export function calibratedEta(sample: TokenSample, name: NoisyMechanismName, target: number): number {
  const eta = name === 'laplace' ? laplaceEta(sample, target) : exponentialEta(sample, target);
  return Number(eta.toPrecision(4));
}

function laplaceEta(sample: TokenSample, target: number): number {
  const critical = sample.laplaceCriticalEtas();
  return critical[Math.min(critical.length - 1, Math.floor(target * critical.length))]!;
}

/** The rate rises with eta. */
function exponentialEta(sample: TokenSample, target: number): number {
  let low = SMALLEST_ETA;
  let high = LARGEST_ETA;
  const [least, most] = [low, high].map((eta) => sample.exponentialUnchanged(eta)) as [number, number];
  if (target <= least || target >= most)
    throw new RaptError(
      ErrorKind.badInput,
      `privacy.targetUnchanged: ${target} cannot be reached on this table, whose tokens stay themselves at rates between ${least.toPrecision(3)} and ${most.toPrecision(3)}`,
    );
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = Math.sqrt(low * high);
    if (sample.exponentialUnchanged(middle) < target) low = middle;
    else high = middle;
  }
  return high;
}

function withSample<T>({ table, outputIds }: { table: EmbeddingTable; outputIds: Int32Array }, body: (sample: TokenSample) => T): T {
  const geometry = new OutputGeometry(table, outputIds);
  const sample = new TokenSample(geometry);
  try {
    return body(sample);
  } finally {
    sample.dispose();
    geometry.dispose();
  }
}
