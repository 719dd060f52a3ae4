/** The typical time of a training step, from which the time left is computed. */

/** The first steps of a process wait for memory and kernels. */
const WARM_UP_STEPS = 2;
/** Number of last steps whose median a step is compared with. */
const WINDOW = 15;
/** A step that takes more than this many medians was held up by a pause, a full disk, or another program. It counts as
 *  if it had taken just so many. */
const MOST_OVER_MEDIAN = 3;
/** Steps over which the mean forgets: enough that batches of different lengths even out. */
const MEMORY_STEPS = 30;

/** A robust mean: exponential smoothing of step times, of which outliers are cut at a multiple of the running median (a
 *  Hampel filter). One step, however long, moves it by a tenth at most; a machine that has become slower for good is
 *  followed within some fifty steps. */
export class Pace {
  readonly #window: number[] = [];
  #steps = 0;
  #mean: number | null = null;

  /** @param ms that the step took. */
  observe(ms: number): void {
    if (++this.#steps <= WARM_UP_STEPS) return;
    this.#window.push(ms);
    if (this.#window.length > WINDOW) this.#window.shift();
    const middle = median(this.#window);
    const counted = Math.min(ms, MOST_OVER_MEDIAN * middle);
    const known = this.#steps - WARM_UP_STEPS;
    // The mean of a few steps says little, and one of them may be an outlier.
    this.#mean =
      this.#mean === null || known < WINDOW / 3
        ? middle
        : this.#mean + (counted - this.#mean) / Math.min(known, MEMORY_STEPS);
  }

  /** Null until the process has warmed up. */
  get stepMs(): number | null {
    return this.#mean;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
