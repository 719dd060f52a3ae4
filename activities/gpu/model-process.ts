import { fork, type ChildProcess } from 'node:child_process';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import type { FromModelProcess, Job, ToModelProcess } from './trainer-protocol.ts';

/** A model process that says nothing for so long is taken for hung. The slowest step and the loading of a model are far below. */
const STALL_TIMEOUT_MS = 5 * 60_000;
/** Time between asking a process to stop and killing it: one step and one checkpoint. */
const STOP_TIMEOUT_MS = 60_000;

export interface ModelProcessOptions {
  /** Entry file of the process. */
  readonly entry: string;
  readonly job: Job;
  readonly onMessage: (message: FromModelProcess) => void;
  /** Asks the process to stop after the step it is in. */
  readonly signal: AbortSignal;
  readonly stallTimeoutMs?: number;
}

export type Outcome = { readonly type: 'finished'; readonly reconstruction: { accuracy: number; n: number } | null } | { readonly type: 'stopped' };

/** Runs one job in a process of its own: a crash, its memory and its blocking calls stay apart from the worker.
 *  @throws RaptError trainerCrashed when the process ends without an answer or hangs, or what the process itself reports. */
export function runModelProcess({ entry, job, onMessage, signal, stallTimeoutMs = STALL_TIMEOUT_MS }: ModelProcessOptions): Promise<Outcome> {
  const child = fork(entry, [], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: modelEnvironment(),
    // What a library prints could hold anything; only messages leave the process.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
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
      act();
      // The answer is in; the process ends by itself when its channel closes, and is killed should it not.
      if (child.connected) child.disconnect();
      setTimeout(() => child.kill('SIGKILL'), 5000).unref();
    }
    const crash = (why: string): void =>
      settle(() => reject(new RaptError(ErrorKind.trainerCrashed, `the model process ${why}${lastStep === null ? '' : ` after step ${lastStep}`}`)));
    function hung(): void {
      child.kill('SIGKILL');
      crash(`made no progress for ${stallTimeoutMs / 1000} s and was killed`);
    }
    function stop(): void {
      send(child, { type: 'stop' });
      stopTimer = setTimeout(() => {
        child.kill('SIGKILL');
        crash('did not stop when asked and was killed');
      }, STOP_TIMEOUT_MS);
    }

    child.on('message', (message: FromModelProcess) => {
      clearTimeout(stall);
      stall = setTimeout(hung, stallTimeoutMs);
      if (message.type === 'step') lastStep = message.step;
      if (message.type === 'finished' || message.type === 'stopped') settle(() => resolve(message));
      else if (message.type === 'failed')
        settle(() =>
          reject(new RaptError(message.kind ?? ErrorKind.trainerCrashed, message.message)),
        );
      else onMessage(message);
    });
    child.on('error', () => crash('could not be started'));
    child.on('exit', (code, killedBy) => crash(describeExit(code, killedBy)));
    send(child, { type: 'job', job });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
}

function send(child: ChildProcess, message: ToModelProcess): void {
  if (child.connected) child.send(message, () => undefined); // a process that is gone is reported by its exit
}

function describeExit(code: number | null, killedBy: NodeJS.Signals | null): string {
  if (killedBy === 'SIGKILL') return 'was killed by SIGKILL; if the machine ran out of memory, lower tuning.batchSize or data.maxTokens';
  return killedBy ? `was ended by ${killedBy}` : `ended with exit code ${code ?? 'unknown'}`;
}

/** The process needs its libraries' settings and nothing else: no addresses, no credentials. */
function modelEnvironment(): NodeJS.ProcessEnv {
  const wanted = /^(PATH|HOME|TMPDIR|LANG|LC_.*|LD_LIBRARY_PATH|CUDA_.*|NVIDIA_.*|TF_.*|OMP_.*|RAPT_CACHE|XDG_CACHE_HOME)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}
