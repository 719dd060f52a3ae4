/** A run's progress: bars on a terminal, a line for each piece of news in a pipe. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { RunProgress } from '../../contracts/index.ts';
import { duration, say } from '../terminal/output.ts';

/** In a pipe, the progress of a stage is shown at most so often. */
const LINE_INTERVAL_MS = 10_000;

export interface ProgressView {
  show(progress: RunProgress): void;
  /** What the run waits for. */
  note(text: string): void;
  stop(): void;
}

export const createProgressView = (): ProgressView => (process.stderr.isTTY ? new Bars() : new Lines());

/** Notes on how the tables were read, each of them once. */
class NewNotes {
  readonly #told = new Set<string>();

  of({ notes = [] }: RunProgress): string[] {
    const untold = notes.filter((note) => !this.#told.has(note));
    for (const note of untold) this.#told.add(note);
    return untold;
  }
}

const lossOf = ({ loss }: RunProgress): string => (loss === null ? '-' : loss.toFixed(4));
const leftOf = ({ secondsLeft }: RunProgress): string =>
  secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;

/** How far the stage is; empty where that is not known. */
function detailOf(progress: RunProgress): string {
  const { stage, step, totalSteps, epoch, epochs, rowsPrivatized, rowsTotal } = progress;
  if (stage === 'privatize' && rowsPrivatized > 0) return `${rowsPrivatized} of ${rowsTotal} rows`;
  if (stage !== 'train' || step <= 0) return '';
  const place = `step ${step} of ${totalSteps}, epoch ${epoch.toFixed(2)} of ${epochs}`;
  return `${place}, loss ${lossOf(progress)}${leftOf(progress)}`;
}

class Lines implements ProgressView {
  #stage = '';
  #told = '';
  #lossTold = false;
  #at = 0;
  #noted = '';
  readonly #notes = new NewNotes();

  show(progress: RunProgress): void {
    for (const note of this.#notes.of(progress)) say(note);
    const { stage, message, step } = progress;
    const detail = detailOf(progress);
    const line = `${stage}: ${message}${detail === '' ? '' : ` (${detail})`}`;
    const now = Date.now();
    const firstLoss = !this.#lossTold && stage === 'train' && step > 0 && progress.loss !== null;
    if (line === this.#told || (stage === this.#stage && !firstLoss && now - this.#at < LINE_INTERVAL_MS)) return;
    if (firstLoss) this.#lossTold = true;
    this.#stage = stage;
    this.#told = line;
    this.#at = now;
    say(line);
    if (progress.resumed !== null && this.#noted !== progress.resumed) this.note(progress.resumed);
  }

  note(text: string): void {
    if (text === this.#noted) return;
    this.#noted = text;
    say(text);
  }

  stop(): void {
    // There is nothing to clean up.
  }
}

class Bars implements ProgressView {
  readonly #bars = new MultiBar(
    {
      format: '{name} {bar} {value}/{total} {detail}',
      hideCursor: true,
      clearOnComplete: false,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  #privatize: SingleBar | null = null;
  #train: SingleBar | null = null;
  #stage = '';
  #noted = '';
  readonly #notes = new NewNotes();

  show(progress: RunProgress): void {
    for (const note of this.#notes.of(progress)) this.note(note);
    const { stage, message, rowsPrivatized, rowsTotal, step, totalSteps, epoch, epochs } = progress;
    if (stage !== this.#stage && stage !== 'train' && stage !== 'privatize') this.note(`${stage}: ${message}`);
    this.#stage = stage;
    if (rowsTotal > 0) {
      this.#privatize ??= this.#bars.create(rowsTotal, 0, { name: 'privatize', detail: 'rows' });
      this.#privatize.setTotal(rowsTotal);
      this.#privatize.update(rowsPrivatized, { name: 'privatize', detail: 'rows' });
    }
    if (totalSteps > 0) {
      const detail = `epoch ${epoch.toFixed(1)}/${epochs}, loss ${lossOf(progress)}${leftOf(progress)}`;
      this.#train ??= this.#bars.create(totalSteps, 0, { name: 'train    ', detail });
      this.#train.setTotal(totalSteps);
      this.#train.update(step, { name: 'train    ', detail });
    }
    if (progress.resumed !== null) this.note(progress.resumed);
  }

  note(text: string): void {
    if (text === this.#noted) return;
    this.#noted = text;
    this.#bars.log(`${text}\n`);
    this.#bars.update();
  }

  stop(): void {
    this.#bars.stop();
  }
}
