/** Long work beside other work. JavaScript runs one thing at a time: while a computation runs, no heartbeat leaves and
 *  no cancellation arrives. So long work is done in stretches. They are measured by the clock, since the time that a
 *  block of work takes depends on the table and on the machine. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** So long others wait for their turn. Heartbeats and cancellations are a matter of seconds; a turn costs
 *  microseconds. */
const STRETCH_MS = 50;

/** Work that may be interrupted at each `yield`, and given up there, so it frees what it holds in a `finally`. The time
 *  between two of them stays well below a second. */
export type Work<T> = Generator<undefined, T, undefined>;

/** Does all of the work in one go. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work in stretches, with turns for others between them. @throws the signal's reason when aborted. */
export async function inTurns<T>(work: Work<T>, signal?: AbortSignal): Promise<T> {
  // Work shorter than a stretch never comes to a turn, where the signal is looked at.
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

/** Gives others their turns, in work that also waits for other things. */
export class Turns {
  /** How many turns were given so far. */
  given = 0;
  /** Ends the work when it is aborted. */
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
