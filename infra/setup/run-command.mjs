// @ts-check
/** Runs other programs, and puts into one line why one of them failed. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const KEPT_OUTPUT = 20_000;
const LONGEST_WORDS = 240;
const GRACE_MS = 3000;

/** A command that did not end well, in one sentence. */
export class CommandFailed extends Error {
  /** @param {string} command
   *  @param {string} output the end of what it printed */
  constructor(command, output) {
    super(`\`${command}\` failed: ${lastWords(output)}`);
    this.name = 'CommandFailed';
    this.output = output;
  }
}

/** Runs a command quietly.
 *  @param {string} command
 *  @param {readonly string[]} args
 *  @param {object} [o]
 *  @param {string} [o.cwd]
 *  @param {NodeJS.ProcessEnv} [o.env] beside this process's own
 *  @param {AbortSignal} [o.signal] ends it, with all that it has started
 *  @param {string} [o.log] file for all that it prints
 *  @param {(line: string) => void} [o.onLine] hears each line that it prints
 *  @returns {Promise<string>} the end of what it printed on its standard output
 *  @throws CommandFailed with its last words; the signal's reason when that has ended it. */
export async function runCommand(command, args, { cwd, env, signal, log, onLine } = {}) {
  signal?.throwIfAborted();
  // In a process group of its own, so that what it has started can be ended with it.
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const written = log === undefined ? null : createWriteStream(log, { flags: 'a' });
  let output = '';
  let answer = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output = `${output}${line}\n`.slice(-KEPT_OUTPUT);
      if (stream === child.stdout) answer = `${answer}${line}\n`.slice(-KEPT_OUTPUT);
      written?.write(`${line}\n`);
      onLine?.(line);
    });
  }
  const name = `${command} ${args.slice(0, 3).join(' ')}`.trim();
  /** @type {NodeJS.Timeout | undefined} */
  let killing;
  const stop = () => {
    endGroup(child.pid, 'SIGTERM');
    killing = setTimeout(() => endGroup(child.pid, 'SIGKILL'), GRACE_MS);
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    /** @type {number | null} */
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal?.throwIfAborted();
    if (code !== 0) throw new CommandFailed(name, output);
    return answer;
  } finally {
    clearTimeout(killing);
    signal?.removeEventListener('abort', stop);
    written?.end();
  }
}

/** @param {number | undefined} pid of the group's first process
 *  @param {NodeJS.Signals} signal */
function endGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}

/** Why a command failed, in one line of its own words.
 *  @param {unknown} from its output, or the error made of it
 *  @returns {string} */
export function lastWords(from) {
  const text = from instanceof CommandFailed ? from.output : from instanceof Error ? from.message : String(from);
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const broken = lines.find((line) => line.includes('connection broken by'));
  const words =
    (broken === undefined ? undefined : (/\[Errno -?\d+\] ([^'")]+)/.exec(broken)?.[1] ?? broken)) ??
    // npm prints the reason first, then what it may mean, then where its log is.
    lines.find((line) => /^npm (error|ERR!) (?!code|syscall|errno)/.test(line)) ??
    lines.findLast((line) => /\b(error|fatal|failed|cannot|denied|refused|no space)\b/i.test(line)) ??
    lines.at(-1) ??
    'it said nothing';
  const plain = words.replace(/^(npm error|npm ERR!|ERROR:|error:|go:)( network)?\s+/i, '');
  return plain.length > LONGEST_WORDS ? `${plain.slice(0, LONGEST_WORDS)} ...` : plain;
}
