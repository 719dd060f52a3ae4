/** Kills processes of the local stack and starts again what does not run, as a supervisor would. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStack, stackStatus, up } from '../../infra/index.ts';
import type { Victim } from './plan.ts';

type Component = Exclude<Victim, 'trainer'>;
const POLL_MS = 200;

export class Supervisor {
  readonly #heldDown = new Map<Component, number>();
  #stopped = false;
  #running: Promise<void> | null = null;

  start(): void {
    this.#running = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** SIGKILL. @returns false when there is no such process now. */
  kill(victim: Victim, downSeconds: number): boolean {
    const pid = victim === 'trainer' ? modelProcesses()[0] : readStack()?.processes[victim]?.pid;
    if (pid === undefined) return false;
    if (victim !== 'trainer') this.#heldDown.set(victim, Date.now() + downSeconds * 1000);
    try {
      process.kill(pid, 'SIGKILL');
      return true;
    } catch {
      return false;
    }
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      for (const { component, running } of stackStatus()) {
        if (running || (this.#heldDown.get(component) ?? 0) > Date.now()) continue;
        this.#heldDown.delete(component);
        // A worker does not start while its servers are away; it is tried again.
        await up({ components: [component] }).catch(() => undefined);
      }
      await sleep(POLL_MS);
    }
  }
}

/** Children of the GPU worker that runs now. */
export function modelProcesses(): number[] {
  const worker = readStack()?.processes.gpu?.pid;
  return worker === undefined ? [] : allModelProcesses().filter(({ parent }) => parent === worker).map(({ pid }) => pid);
}

/** Every model process on this machine, whoever started it. */
export function allModelProcesses(): { pid: number; parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('model-process.ts')) return [];
        // Fields 3 and 4, state and parent; the program's name, field 2, may hold blanks.
        const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return []; // ended meanwhile
      }
    });
}
