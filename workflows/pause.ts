/** Pausing: the work under way is asked to stop at a point from which it can go on, and is started again when the run
 *  goes on. */
import { ActivityFailure } from '@temporalio/common';
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/** Whether work ended because it was asked to. After that request an activity is not tried again: when its worker is
 *  dead, or it fails in some other way while it ends, it ends with a failure of this retry state. */
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

  /** True when nothing runs any more, and what was done is stored. */
  get atRest(): boolean {
    return this.#atRest;
  }

  /** Asks for a pause, and waits until nothing runs. @returns false when the run came to its end instead, since its
   *  last work does not stop. */
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

  /** Nothing is left that could be paused. A pause that was asked for meanwhile is answered. */
  end(): void {
    this.#ended = true;
    this.continue();
  }

  /** Runs work that can be stopped and begun again. It waits while the run is paused; a pause meanwhile stops it. */
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
    // A run that was never paused does not wait, so that its history holds nothing of this gate.
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
