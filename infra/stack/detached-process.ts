/** Processes that outlive the command that started them. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedProcess } from '../../settings/index.ts';
import { makeFolder } from '../../system/index.ts';

const POLL_MS = 100;

/** Starts a program in a session of its own. Its output is appended to a file that only the owner can read. */
export function startDetached(
  command: string,
  args: readonly string[],
  o: { log: string; cwd: string; env?: NodeJS.ProcessEnv },
): StartedProcess {
  makeFolder(dirname(o.log), 0o700);
  const log = openSync(o.log, 'a', 0o600);
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: o.cwd,
      env: { ...process.env, ...o.env },
    });
    child.on('error', () => undefined); // the missing pid tells it
    child.unref();
    if (child.pid === undefined) throw new Error(`${command} could not be started`);
    return { pid: child.pid, startTime: startTimeOf(child.pid) ?? '' };
  } finally {
    closeSync(log);
  }
}

/** Whether this very process still runs: the id alone may have been given to another program. A zombie has ended. */
export function isAlive(process: StartedProcess | undefined): process is StartedProcess {
  return process !== undefined && startTimeOf(process.pid) === process.startTime;
}

/** Ends a process by SIGTERM, and by SIGKILL after the grace time. Waits for the end. */
export async function end(started: StartedProcess, graceMs: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5000],
  ] as const) {
    if (!isAlive(started)) return;
    process.kill(started.pid, signal);
    for (let waited = 0; waited < waitMs && isAlive(started); waited += POLL_MS) await sleep(POLL_MS);
  }
}

/** When a process started, field 22 of /proc/PID/stat (proc(5)); the program's name, field 2, may hold blanks. Null
 *  when there is no such process, or it has ended. */
function startTimeOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
