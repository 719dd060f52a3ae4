/** Long work beside others. JavaScript runs one thing at a time: while a computation runs, no heartbeat leaves, and no
 *  cancellation arrives. So long work is done in stretches, by the clock, since how long a block of it takes depends on
 *  the table and on the machine. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Of work before others get their turn. Beats and cancellations are a matter of seconds; a turn costs microseconds. */
const STRETCH_MS = 50;

/** Work that may be interrupted at each `yield`, and given up there: what it holds it frees in a `finally`. Between two
 *  of them it stays well below a second. */
export type Work<T> = Generator<undefined, T, undefined>;

/** Does all of it in one go. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does it in stretches, with turns for others between them. @throws the signal's reason when aborted. */
export async function inTurns<T>(work: Work<T>, signal?: AbortSignal): Promise<T> {
  // Work of less than a stretch never comes to a turn in which it would be asked.
  signal?.throwIfAborted();
  const turns = new Turns(signal);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (!turns.due) continue;
    try {
      await turns.next();
    } catch (error) {
      work.throw(error);
      throw error;
    }
  }
}

/** For work that waits for other things as well. */
export class Turns {
  /** Turns given so far. */
  given = 0;
  /** Ends the work. */
  readonly signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal?: AbortSignal) {
    this.signal = signal;
  }

  /** Whether others have waited long enough. */
  get due(): boolean {
    return performance.now() - this.#since >= STRETCH_MS;
  }

  /** Lets others have their turn when it is due. @throws the signal's reason when aborted. */
  async next(): Promise<void> {
    if (this.due) {
      await nextTurn();
      this.given++;
      this.#since = performance.now();
    }
    this.signal?.throwIfAborted();
  }
}
