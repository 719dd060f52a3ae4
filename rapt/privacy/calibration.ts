/** Chooses eta by what it does to words, on the public table, before any private text is touched. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { loadingTensorflow } from '../tensorflow.ts';
import { atOnce, type Work } from '../turns.ts';
import { OutputGeometry, squaredNorms, type EmbeddingTable } from './geometry.ts';
import { TokenSample, type TableMeasures } from './token-sample.ts';

/** The mechanisms that add noise. */
export type NoisyMechanismName = 'exponential' | 'laplace';

/** An eta, and what it does. */
export interface Calibration {
  /** Rounded to 4 significant digits or fewer, so that machines agree that sum in different orders. */
  readonly eta: number;
  /** The expected share of output tokens that stay themselves at this eta. */
  readonly unchanged: number;
}

const SMALLEST_ETA = 1e-3;
const LARGEST_ETA = 1e5;
/** Precision of the logarithm of eta, far below the fourth digit of eta. */
const PRECISION = 1e-6;
/** After so many halvings of the range the curve is smooth enough for chords. */
const HALVINGS = 5;

/** The eta at which this share of output tokens is expected to stay itself. All tokens count alike here, while in a
 *  text the frequent words count more.
 *  @throws RaptError badInput when no eta gives this share. */
export function calibrate(o: CalibrationOptions): Calibration {
  return atOnce(calibrating(o));
}

/** What eta is asked for. */
export interface CalibrationOptions {
  readonly name: NoisyMechanismName;
  readonly table: EmbeddingTable;
  /** The tokens that may be released. */
  readonly outputIds: Int32Array;
  /** The share of output tokens that shall stay themselves, between 0 and 1. */
  readonly targetUnchanged: number;
  /** Significant digits of eta; default 4. */
  readonly digits?: number;
}

/** As `calibrate`, in stretches. */
export function* calibrating({
  name,
  table,
  outputIds,
  targetUnchanged,
  digits,
}: CalibrationOptions): Work<Calibration> {
  const calibrator = yield* Calibrator.open(table, outputIds);
  try {
    return yield* calibrator.calibrating(name, targetUnchanged, digits);
  } finally {
    calibrator.dispose();
  }
}

/** The expected share of output tokens, all counted alike, that stay themselves. */
export function expectedUnchanged({
  name,
  table,
  outputIds,
  eta,
}: {
  name: NoisyMechanismName;
  table: EmbeddingTable;
  outputIds: Int32Array;
  eta: number;
}): number {
  const calibrator = atOnce(Calibrator.open(table, outputIds));
  try {
    return atOnce(calibrator.unchangedRate(name, eta));
  } finally {
    calibrator.dispose();
  }
}

/** Tells what etas do on one table, of which a sample is measured once. Free with `dispose`. */
export class Calibrator {
  readonly geometry: OutputGeometry;
  readonly #sample: TokenSample;
  /** The etas above which the draws on the sample stay themselves, ascending. They depend on the table alone. */
  #laplaceCritical: Float64Array | null = null;

  private constructor(geometry: OutputGeometry, sample: TokenSample) {
    this.geometry = geometry;
    this.#sample = sample;
  }

  static *open(table: EmbeddingTable, outputIds: Int32Array): Work<Calibrator> {
    yield* loadingTensorflow();
    yield* squaredNorms(table);
    const geometry = new OutputGeometry(table, outputIds);
    yield;
    try {
      return new Calibrator(geometry, yield* TokenSample.measure(geometry));
    } catch (error) {
      geometry.dispose();
      throw error;
    }
  }

  measures(): TableMeasures {
    return this.#sample.measures();
  }

  /** As `calibrate`. */
  *calibrating(name: NoisyMechanismName, targetUnchanged: number, digits = 4): Work<Calibration> {
    const found =
      name === 'laplace' ? yield* this.#laplaceEta(targetUnchanged) : yield* this.#exponentialEta(targetUnchanged);
    const eta = Number(Number(found.toPrecision(4)).toPrecision(digits));
    return { eta, unchanged: yield* this.unchangedRate(name, eta) };
  }

  *unchangedRate(name: NoisyMechanismName, eta: number): Work<number> {
    if (name === 'exponential') return yield* this.#sample.exponentialUnchanged(eta);
    const critical = yield* this.#critical();
    return critical.filter((one) => one < eta).length / critical.length;
  }

  /** Frees the sample, and leaves the geometry to whoever uses it on. */
  disposeSample(): void {
    this.#sample.dispose();
  }

  dispose(): void {
    this.#sample.dispose();
    this.geometry.dispose();
  }

  *#critical(): Work<Float64Array> {
    return (this.#laplaceCritical ??= yield* this.#sample.laplaceCriticalEtas());
  }

  *#laplaceEta(target: number): Work<number> {
    const critical = yield* this.#critical();
    return critical[Math.min(critical.length - 1, Math.floor(target * critical.length))]!;
  }

  /** The rate rises with eta. The bracket is halved a few times, then cut by chords, where an end that stays counts
   *  half (the Illinois method: Dowell and Jarratt, BIT 11, 1971). This takes some ten looks at the sample. Each fourth
   *  step halves the bracket again, so that a curve of any shape takes a hundred looks at most. */
  *#exponentialEta(target: number): Work<number> {
    let [low, high] = [Math.log(SMALLEST_ETA), Math.log(LARGEST_ETA)];
    let moved: 'low' | 'high' | null = null;
    const [least, most] = [
      yield* this.#sample.exponentialUnchanged(SMALLEST_ETA),
      yield* this.#sample.exponentialUnchanged(LARGEST_ETA),
    ];
    if (target <= least || target >= most)
      throw new RaptError(
        ErrorKind.badInput,
        `privacy.targetUnchanged: ${target} cannot be reached on this table, ` +
          `whose tokens stay themselves at rates between ${least.toPrecision(3)} and ${most.toPrecision(3)}`,
      );
    let [atLow, atHigh] = [least - target, most - target];
    for (let step = 0; high - low > PRECISION; step++) {
      const chord =
        step < HALVINGS || step % 4 === 0 ? (low + high) / 2 : high - (atHigh * (high - low)) / (atHigh - atLow);
      // Not nearer to an end than this, so that the other end can still follow.
      const next = Math.min(high - PRECISION / 2, Math.max(low + PRECISION / 2, chord));
      const found = (yield* this.#sample.exponentialUnchanged(Math.exp(next))) - target;
      if (found < 0) {
        if (step >= HALVINGS && moved === 'low') atHigh /= 2;
        [low, atLow, moved] = [next, found, 'low'];
      } else {
        if (step >= HALVINGS && moved === 'high') atLow /= 2;
        [high, atHigh, moved] = [next, found, 'high'];
      }
    }
    return Math.exp(high);
  }
}
