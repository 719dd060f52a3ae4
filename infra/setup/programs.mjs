// @ts-check
/** The programs that set-up calls: where they are, and of which version. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @typedef {'npm' | 'pip' | 'go' | 'c++'} Program */

/** The Go that MinIO's own go.mod asks for. */
export const LEAST_GO = [1, 24];

/** How long a server's program may take to print its version. Every command may wait for this, so a program that takes
 *  longer counts as hanging. */
export const SERVER_ANSWERS_MS = 2000;

/** The program's file on the PATH; null when there is none.
 *  @param {string} name
 *  @returns {string | null} */
export function findOnPath(name) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** What a program prints when it is asked for its version; null when it does not run.
 *  @param {string} command
 *  @param {readonly string[]} args
 *  @param {number} [timeout] in milliseconds
 *  @returns {string | null} */
export function ask(command, args, timeout = 10_000) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout,
    // A program that hangs may ignore other signals.
    killSignal: 'SIGKILL',
  });
  return status === 0 ? stdout.trim() : null;
}

/** The version of a program, as far as it has been asked for; null when it is not there or does not run.
 *  @param {Program} program
 *  @returns {string | null} */
export function versionOf(program) {
  if (program === 'pip') return /^pip (\S+)/.exec(ask('python3', ['-m', 'pip', '--version']) ?? '')?.[1] ?? null;
  if (program === 'go') return /\bgo(\d[\w.]*)/.exec(ask('go', ['version']) ?? '')?.[1] ?? null;
  return findOnPath(program) === null ? null : 'found';
}

/** Whether a version is the least one or a later one. A part that is not a number makes it an earlier one.
 *  @param {string} version
 *  @param {readonly number[]} least
 *  @returns {boolean} */
export function isAtLeast(version, least) {
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, number] of least.entries()) {
    const found = numbers[index] ?? 0;
    if (Number.isNaN(found) || found < number) return false;
    if (found > number) return true;
  }
  return true;
}
