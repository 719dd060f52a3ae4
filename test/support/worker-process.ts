/** A worker as its supervisor sees it: a process with its output and its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from './probe.ts';
import { PROGRAM } from './stack.ts';

export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export class WorkerProcess {
  readonly #child;
  readonly #ended: Promise<[number | null, NodeJS.Signals | null]>;
  #output = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [PROGRAM, 'worker', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#ended = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  /** Waits until the worker has said something. @throws Error when it ends before. */
  async says(wanted: RegExp): Promise<void> {
    await eventually(`a worker says ${String(wanted)}`, 60_000, () => {
      if (wanted.test(this.#output)) return true;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the worker ended before: ${this.#output}`);
      return false;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for its end. */
  async end(): Promise<WorkerEnd> {
    const [code, signal] = await this.#ended;
    return { code, signal, output: this.#output };
  }
}
