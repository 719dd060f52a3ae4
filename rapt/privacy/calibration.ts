/** Choosing eta by what it does to words, on the public table, before any private text is touched. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { loadingTensorflow } from '../tensorflow.ts';
import { atOnce, type Work } from '../turns.ts';
import { OutputGeometry, squaredNorms, type EmbeddingTable } from './geometry.ts';
import { TokenSample, type TableMeasures } from './token-sample.ts';

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
/** Of the logarithm of eta: far below the fourth digit. */
const PRECISION = 1e-6;
/** Halvings of the range, after which the curve is smooth enough for chords. */
const HALVINGS = 5;

/** The eta at which this share of output tokens, all counted alike, stays itself in expectation. In a text frequent
 *  words count more.
 *  @throws RaptError badInput when no eta gives this share. */
export function calibrate(o: CalibrationOptions): Calibration {
  return atOnce(calibrating(o));
}

/** What an eta is looked for by. */
export interface CalibrationOptions {
  readonly name: NoisyMechanismName;
  readonly table: EmbeddingTable;
  /** Tokens that may be released. */
  readonly outputIds: Int32Array;
  /** Share of output tokens that shall stay themselves, between 0 and 1. */
  readonly targetUnchanged: number;
  /** Significant digits of eta; default 4. */
  readonly digits?: number;
}

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

/** Expected share of output tokens, all counted alike, that stay themselves. */
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

/** What etas do on one table, whose sample is measured once. Free with `dispose`. */
export class Calibrator {
  readonly geometry: OutputGeometry;
  readonly #sample: TokenSample;
  /** Ascending; a function of the table alone. */
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

  /** The rate rises with eta. Its bracket is halved, then cut by chords, where an end that stays counts half (the
   *  Illinois method: Dowell and Jarratt, BIT 11, 1971): some ten looks at the sample. Each fourth step halves it
   *  again, so that a curve of whatever shape is done with in a hundred. */
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
      // Never so near to an end that the other one could not come after.
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
