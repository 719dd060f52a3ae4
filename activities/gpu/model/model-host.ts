/** The process in which models run, as the GPU worker sees it. */
import { AsyncResource } from 'node:async_hooks';
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ErrorKind, RaptError } from '../../../contracts/index.ts';
import type { FromModelProcess, Job, ToModelProcess } from './protocol.ts';

/** What a GPU worker gives `createModelHost` as its entry. */
export const MODEL_PROCESS_FILE = fileURLToPath(new URL('./model-process.ts', import.meta.url));

/** Milliseconds between asking a process to stop and killing it: enough for one step and one checkpoint. */
const STOP_TIMEOUT_MS = 60_000;
/** How long a process whose job is done waits for the next job, which then finds the model loaded. The blocks of a run
 *  follow each other at once. */
const IDLE_TIMEOUT_MS = 20_000;

export interface JobOptions {
  readonly job: Job;
  readonly onMessage: (message: FromModelProcess) => void;
  /** Asks the process to stop after the step it is in. */
  readonly signal: AbortSignal;
}

export type Outcome =
  | { readonly type: 'finished'; readonly reconstruction: { accuracy: number; n: number } | null }
  | { readonly type: 'stopped' };

export interface ModelHost {
  /** Runs one job in a process of its own: a crash, its memory and its blocking calls stay apart from the worker. One
   *  job at a time uses the process that is there; a job that comes meanwhile gets a process for itself.
   *  @throws RaptError trainerCrashed when the process ends without an answer or hangs, or what the process itself
   *  reports. */
  run(options: JobOptions): Promise<Outcome>;
}

/** @param entry file of the process.
 *  @param stallTimeoutMs a process that says nothing for so long counts as hung, and is killed. */
export function createModelHost(entry: string, { stallTimeoutMs }: { readonly stallTimeoutMs: number }): ModelHost {
  let idle: { readonly child: ChildProcess; readonly timer: NodeJS.Timeout } | null = null;

  function take(): ChildProcess {
    const waiting = idle;
    idle = null;
    if (waiting === null) return start(entry);
    clearTimeout(waiting.timer);
    const { child } = waiting;
    child.removeAllListeners();
    if (child.exitCode !== null || child.signalCode !== null || !child.connected) return start(entry);
    child.ref();
    child.channel?.ref();
    return child;
  }

  function keep(child: ChildProcess): void {
    // A process that was stopped before its first step was killed, and may not have ended yet.
    if (child.killed) return;
    child.removeAllListeners();
    child.on('error', () => undefined);
    if (idle !== null) {
      endGently(child);
      return;
    }
    // Waiting for work must not keep a worker alive that has none.
    child.unref();
    child.channel?.unref();
    const timer = setTimeout(() => {
      idle = null;
      endGently(child);
    }, IDLE_TIMEOUT_MS).unref();
    child.once('exit', () => {
      clearTimeout(timer);
      if (idle?.child === child) idle = null;
    });
    idle = { child, timer };
  }

  return {
    async run(options) {
      const child = take();
      const outcome = await converse(child, options, stallTimeoutMs);
      keep(child);
      return outcome;
    },
  };
}

function start(entry: string): ChildProcess {
  return fork(entry, [], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: modelEnvironment(),
    // What a library prints could hold anything; only messages leave the process.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/** Gives a process its job and listens until its answer. A process that ends in any other way is killed. */
function converse(
  child: ChildProcess,
  { job, onMessage, signal }: JobOptions,
  stallTimeoutMs: number,
): Promise<Outcome> {
  // A process that is used again speaks in the asynchronous context of the activity that started it, not of the one
  // that it works for.
  const hear = AsyncResource.bind(onMessage);
  return new Promise<Outcome>((resolve, reject) => {
    let lastStep: number | null = null;
    let settled = false;
    let stall = setTimeout(hung, stallTimeoutMs);
    let stopTimer: NodeJS.Timeout | undefined;

    function settle(act: () => void): void {
      if (settled) return;
      settled = true;
      clearTimeout(stall);
      clearTimeout(stopTimer);
      signal.removeEventListener('abort', stop);
      child.removeAllListeners();
      child.on('error', () => undefined);
      act();
    }
    const fail = (error: RaptError): void =>
      settle(() => {
        child.kill('SIGKILL');
        reject(error);
      });
    const crash = ({ what, advice }: Crash): void => {
      const after = lastStep === null ? ' before its first step' : ` after step ${lastStep}`;
      fail(
        new RaptError(
          ErrorKind.trainerCrashed,
          `the model process ${what}${after}${advice === undefined ? '' : `; ${advice}`}`,
        ),
      );
    };
    function hung(): void {
      crash({
        what: `was killed, since it said nothing for ${stallTimeoutMs / 1000} s`,
        advice: 'if its machine is that slow, raise RAPT_STALL_SECONDS of the GPU worker',
      });
    }
    function stop(): void {
      if (lastStep === null) {
        // Nothing has been computed that could be saved.
        settle(() => {
          child.kill('SIGKILL');
          resolve({ type: 'stopped' });
        });
        return;
      }
      send(child, { type: 'stop' });
      stopTimer = setTimeout(() => crash({ what: 'did not stop when asked and was killed' }), STOP_TIMEOUT_MS);
    }

    child.on('message', (message: FromModelProcess) => {
      clearTimeout(stall);
      stall = setTimeout(hung, stallTimeoutMs);
      if (message.type === 'step') lastStep = message.step;
      if (message.type === 'finished' || message.type === 'stopped') settle(() => resolve(message));
      else if (message.type === 'failed')
        fail(new RaptError(message.kind ?? ErrorKind.trainerCrashed, message.message));
      else hear(message);
    });
    child.on('error', () => crash({ what: 'could not be started' }));
    child.on('exit', (code, killedBy) => crash(describeExit(code, killedBy)));
    send(child, { type: 'job', job });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
}

function send(child: ChildProcess, message: ToModelProcess): void {
  if (child.connected) child.send(message, () => undefined); // a process that is gone is reported by its exit
}

/** A process without its channel ends by itself. */
function endGently(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  setTimeout(() => child.kill('SIGKILL'), 5000).unref();
}

interface Crash {
  readonly what: string;
  /** What may help. */
  readonly advice?: string;
}

function describeExit(code: number | null, killedBy: NodeJS.Signals | null): Crash {
  // The kernel's answer to a machine without memory.
  if (killedBy === 'SIGKILL')
    return {
      what: 'was killed by SIGKILL',
      advice: 'if the machine ran out of memory, lower tuning.batchSize or data.maxTokens',
    };
  return { what: killedBy ? `was ended by ${killedBy}` : `ended with exit code ${code ?? 'unknown'}` };
}

/** Variables that the process and its libraries read. */
const WANTED_NAMES: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'LD_LIBRARY_PATH',
  'RAPT_CACHE',
  'RAPT_DEVICE',
  'XDG_CACHE_HOME',
]);
const WANTED_BEGINNINGS = ['LC_', 'CUDA_', 'NVIDIA_', 'TF_', 'OMP_'];

/** The process needs its libraries' settings and nothing else: no addresses, no credentials. */
function modelEnvironment(): NodeJS.ProcessEnv {
  const isWanted = (name: string): boolean =>
    WANTED_NAMES.has(name) || WANTED_BEGINNINGS.some((start) => name.startsWith(start));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isWanted(name)));
}
