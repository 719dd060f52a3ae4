/** What a command does when it is told to stop: by Ctrl-C, or because it is a step of a job that is cancelled. GitHub
 *  sends SIGINT, after 7.5 s SIGTERM, and kills after 2.5 s more. GitLab sends SIGTERM. */
import { CommandFailure, EXIT } from './exit-codes.ts';
import { say } from './output.ts';

export type OnInterrupt = 'cancel' | 'leave';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Listens from when it is made until `close`. */
export class Interruption {
  /** The first signal tells the command to stop, the second not to wait any longer for what the first began. */
  readonly first: Promise<'interrupted'>;
  readonly second: Promise<'interrupted'>;
  #heard = 0;
  readonly #hear: () => void;

  constructor() {
    const told: ((value: 'interrupted') => void)[] = [];
    this.first = new Promise((resolve) => told.push(resolve));
    this.second = new Promise((resolve) => told.push(resolve));
    this.#hear = () => told[this.#heard++]?.('interrupted');
    for (const signal of SIGNALS) process.on(signal, this.#hear);
  }

  get happened(): boolean {
    return this.#heard > 0;
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#hear);
  }
}

/** Does work of this process that can be interrupted and leaves nothing half done. By the first signal the work is told
 *  to stop, and cleans up. The second signal ends the process at once.
 *  @param nothing what the user is told after "interrupted; ": that nothing was done.
 *  @param graceMs how long the clean-up may take. @param late what the user is told instead when it takes longer.
 *  @throws CommandFailure with code 130 when the work was stopped. */
export async function stoppable<T>(
  nothing: string,
  work: (signal: AbortSignal) => Promise<T>,
  graceMs: number,
  late = nothing,
): Promise<T> {
  const interruption = new Interruption();
  const stop = new AbortController();
  const end = (what = nothing): void => {
    say(`interrupted; ${what}`);
    // Not by process.exit(), which waits for calls to the file system that may hang. To shells its code is the same.
    for (const signal of SIGNALS) process.removeAllListeners(signal);
    process.kill(process.pid, 'SIGINT');
  };
  void interruption.first.then(() => {
    say('interrupted: stops');
    stop.abort();
    setTimeout(() => end(late), graceMs).unref();
  });
  void interruption.second.then(() => end());
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) throw new CommandFailure(`interrupted; ${nothing}`, EXIT.interrupted);
    throw error;
  } finally {
    interruption.close();
  }
}
