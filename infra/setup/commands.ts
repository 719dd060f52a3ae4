import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256File } from '../../system/index.ts';
import { cacheFolder } from '../paths.ts';

export type Say = (line: string) => void;

const PROGRESS_INTERVAL_MS = 10_000;
const KEPT_OUTPUT = 4000;

/** Runs a command quietly. @param growing a folder whose size is told from time to time. @throws Error with the end of what it printed. */
export async function runCommand(command: string, args: readonly string[], o: { cwd?: string; env?: NodeJS.ProcessEnv; say?: Say; growing?: string } = {}): Promise<void> {
  const child = spawn(command, args, { cwd: o.cwd, env: { ...process.env, ...o.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-KEPT_OUTPUT));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const start = performance.now();
  const timer = setInterval(() => {
    const size = o.growing === undefined ? '' : `, ${(folderBytes(o.growing) / 1e6).toFixed(0)} MB so far`;
    o.say?.(`  still at work after ${((performance.now() - start) / 1000).toFixed(0)} s${size}`);
  }, PROGRESS_INTERVAL_MS);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`\`${command} ${args.slice(0, 4).join(' ')} ...\` failed:\n${output.trim()}`);
  } finally {
    clearInterval(timer);
  }
}

/** A folder beside the place where its content will lie, so that a rename moves it there. Left-overs of an interrupted set-up are removed. */
export async function inStaging<T>(name: string, body: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(cacheFolder(), 'staging', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Brings a package's file by pip. @returns its path. @throws Error when its bytes are not the pinned ones. */
export async function downloadPackage(o: { requirement: string; pipOptions: readonly string[]; sha256: string; folder: string; say: Say }): Promise<string> {
  const target = join(o.folder, 'download');
  const temporary = join(o.folder, 'pip');
  mkdirSync(target);
  mkdirSync(temporary);
  // Pip checks the hash before it looks into a source archive, which may mean to run its code.
  const requirements = join(o.folder, 'requirements.txt');
  writeFileSync(requirements, `${o.requirement} --hash=sha256:${o.sha256}\n`);
  const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes', '--dest', target, ...o.pipOptions, '-r', requirements];
  await runCommand('python3', args, { env: { TMPDIR: temporary }, say: o.say, growing: o.folder });
  const [file] = readdirSync(target);
  if (file === undefined) throw new Error(`pip brought nothing for ${o.requirement}`);
  const path = join(target, file);
  await verify(path, o.sha256);
  return path;
}

/** @throws Error naming the file when its SHA-256 is another. */
export async function verify(path: string, sha256: string): Promise<void> {
  const { sha256: found } = await sha256File(path);
  if ((found as string) !== sha256) throw new Error(`${path} has SHA-256 ${found} instead of the pinned ${sha256}; it was not used`);
}

const UNZIP = `
import sys, zipfile
archive, target, *prefixes = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    for name in z.namelist():
        if any(name == p or (p.endswith('/') and name.startswith(p)) for p in prefixes):
            z.extract(name, target)
`;

/** Unpacks some files and folders (these end in "/") of a zip archive, such as a wheel. */
export function unzip(archive: string, target: string, members: readonly string[], say: Say): Promise<void> {
  return runCommand('python3', ['-c', UNZIP, archive, target, ...members], { say, growing: target });
}

function folderBytes(folder: string): number {
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
