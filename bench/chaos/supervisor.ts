/** Kills processes of the local stack, and starts again what does not run, as a supervisor would. There is a second GPU
 *  worker, which takes over what the first one loses. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, isAlive, stackStatus, startDetached, up, type ComponentStatus } from '../../infra/index.ts';
import { readStack, type StartedProcess } from '../../settings/index.ts';
import { homeFolder, projectRoot } from '../../system/index.ts';
import type { Victim } from './kill-plan.ts';

type Component = ComponentStatus['component'];
const POLL_MS = 200;
/** Heartbeat time-out of GPU activities, and the time in which another worker takes over. */
const FROZEN_MS = 11_000;

export class Supervisor {
  readonly #heldDown = new Map<Component, number>();
  readonly #thaws = new Set<Promise<void>>();
  #spare: StartedProcess | undefined;
  #stopped = false;
  #running: Promise<void> | null = null;

  start(): void {
    this.#running = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.thawed();
    if (isAlive(this.#spare)) await end(this.#spare, 20_000);
  }

  /** Waits until no worker is frozen any more. */
  async thawed(): Promise<void> {
    await Promise.all(this.#thaws);
  }

  gpuWorkers(): number[] {
    return [readStack()?.processes.gpu, this.#spare].filter(isAlive).map(({ pid }) => pid);
  }

  /** @param busy the GPU worker that works on the run, when one does. @returns false when there is no such process
   *  now. */
  strike(victim: Victim, downSeconds: number, busy: number | undefined): boolean {
    const worker = busy ?? this.gpuWorkers()[0];
    const components = readStack()?.processes ?? {};
    const pid =
      victim === 'trainer'
        ? modelProcesses().find(({ parent }) => parent === worker)?.pid
        : victim === 'gpu' || victim === 'frozen'
          ? worker
          : components[victim]?.pid;
    if (pid === undefined || !signal(pid, victim === 'frozen' ? 'SIGSTOP' : 'SIGKILL')) return false;
    if (victim === 'frozen') {
      const thaw = sleep(FROZEN_MS).then(() => {
        signal(pid, 'SIGCONT');
        this.#thaws.delete(thaw);
      });
      this.#thaws.add(thaw);
    } else if (victim !== 'trainer') this.#heldDown.set(victim, Date.now() + downSeconds * 1000);
    return true;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      for (const { component, running } of stackStatus()) {
        if (running || (this.#heldDown.get(component) ?? 0) > Date.now()) continue;
        this.#heldDown.delete(component);
        // A worker does not start while its servers are away; it is tried again.
        await up({ components: [component] }).catch(() => undefined);
      }
      if (!isAlive(this.#spare))
        this.#spare = startDetached(process.execPath, [join(projectRoot, 'bin', 'rapt.mjs'), 'worker', 'gpu'], {
          log: join(homeFolder(), 'spare-gpu.log'),
          cwd: process.cwd(),
        });
      await sleep(POLL_MS);
    }
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // ended meanwhile
  }
}

/** Every model process on this machine, whoever started it. */
export function modelProcesses(): { pid: number; parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('gpu/model/model-process.ts')) return [];
        // Fields 3 and 4, state and parent; the program's name, field 2, may hold blanks.
        const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return []; // ended meanwhile
      }
    });
}
