/** Pausing: the work under way is asked to stop where it can go on from, and done again when the run goes on. */
import { ActivityFailure } from '@temporalio/common';
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/** Whether work ended because it was asked to. An activity whose worker is dead, or which fails otherwise on its way
 *  out, is not tried again after that, and ends with this failure. */
export function endedByCancellation(error: unknown): boolean {
  return isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED');
}

export class PauseGate {
  readonly #changed: () => void;
  #paused = false;
  #atRest = false;
  #ended = false;
  #running: CancellationScope | null = null;

  /** @param changed called whenever `paused` or `atRest` has changed. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** True from the moment a pause is asked for. */
  get paused(): boolean {
    return this.#paused;
  }

  /** True when nothing runs any more: what had been done is stored. */
  get atRest(): boolean {
    return this.#atRest;
  }

  /** Asks for a pause, and waits until nothing runs. @returns false when the run came to its end instead: its last work
   *  does not stop. */
  async pause(): Promise<boolean> {
    this.#paused = true;
    this.#changed();
    this.#running?.cancel();
    await condition(() => this.#atRest || !this.#paused || this.#ended);
    return !this.#ended;
  }

  continue(): void {
    this.#paused = false;
    this.#changed();
  }

  /** Nothing is left that could wait: a pause that was asked for meanwhile is answered. */
  end(): void {
    this.#ended = true;
    this.continue();
  }

  /** Runs work that can be stopped and begun again: it waits while the run is paused, and a pause in its midst stops
   *  it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#untilOpen();
      const scope = new CancellationScope();
      this.#running = scope;
      try {
        return await scope.run(work);
      } catch (error) {
        // A cancellation of the run itself reaches this scope's parent as well.
        const byPause = scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
        if (!byPause || !endedByCancellation(error)) throw error;
      } finally {
        this.#running = null;
      }
    }
  }

  async #untilOpen(): Promise<void> {
    // A run that was never paused waits for nothing: its history has no trace of this.
    if (!this.#paused) return;
    this.#atRest = true;
    this.#changed();
    try {
      await condition(() => !this.#paused);
    } finally {
      this.#atRest = false;
      this.#changed();
    }
  }
}
