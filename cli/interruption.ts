/** What a command does that is told to stop: by Ctrl-C, or as a step of a job that is cancelled. GitHub sends SIGINT, after 7.5 s SIGTERM, and kills
 *  after 2.5 s more; GitLab sends SIGTERM. */
export type OnInterrupt = 'cancel' | 'leave';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Listens from when it is made until `close`. */
export class Interruption {
  /** The first signal tells to stop, the second to stop waiting for what the first began. */
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
