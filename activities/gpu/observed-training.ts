/** The spans and metrics of a training block while the model process works. */
import { metrics, openSpan, type OpenSpan } from '../../telemetry/index.ts';
import type { FromModelProcess } from './model/index.ts';

/** One span for the loading of the model, and one for the steps of each epoch. The worker records them, since the
 *  process itself has no way out. */
export class ObservedTraining {
  readonly #tenant: string;
  readonly #totalSteps: number;
  readonly #loading: OpenSpan = openSpan('load model');
  #epoch: { readonly number: number; readonly span: OpenSpan } | null = null;
  #steps = 0;
  #rows = 0;

  constructor(tenant: string, totalSteps: number) {
    this.#tenant = tenant;
    this.#totalSteps = totalSteps;
  }

  stepped({ step, epoch, loss, rows, stepMs }: Extract<FromModelProcess, { type: 'step' }>): void {
    const tenant = this.#tenant;
    metrics.loss.set(loss, { tenant });
    metrics.trainingProgress.set(step / this.#totalSteps, { tenant });
    metrics.examples.add(rows, { tenant });
    metrics.step.record(stepMs / 1000, { tenant });
    const number = Math.ceil(epoch);
    if (this.#epoch?.number !== number) this.#begin(number, Date.now() - stepMs);
    this.#steps++;
    this.#rows += rows;
    this.#epoch?.span.measure({ epoch: number, steps: this.#steps, rows: this.#rows, loss });
  }

  /** @param error what the block ended with, if it failed. */
  end(error?: unknown): void {
    (this.#epoch?.span ?? this.#loading).end(error);
  }

  #begin(number: number, startMs: number): void {
    (this.#epoch?.span ?? this.#loading).end(undefined, startMs);
    this.#steps = this.#rows = 0;
    this.#epoch = { number, span: openSpan('epoch', {}, startMs) };
  }
}
