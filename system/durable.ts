/** Files that are written once, whole, and survive a power cut. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { isRunning } from './process.ts';

const TEMPORARY_FOLDER = 'tmp';
/** A temporary file lives for the milliseconds of one write. One this old belongs to nobody, whatever machine made it. */
const STALE_AFTER_MS = 60 * 60 * 1000;

/** Writes a file under its final name exactly once, whoever else tries at the same time. The bytes are flushed under a temporary name,
 *  which is then linked to the final one: link(2) fails if that exists. A kill at any point leaves either nothing under the final name or
 *  all of it, and at worst a temporary file.
 *  @param folder holds the temporary files, on the same file system. @returns false when the file existed; it is left as it is. */
export async function writeOnce(folder: string, path: string, bytes: Uint8Array): Promise<boolean> {
  const temporaryFolder = join(folder, TEMPORARY_FOLDER);
  await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });
  const temporary = join(temporaryFolder, `${hostname()}-${process.pid}-${randomBytes(6).toString('hex')}`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    // On a full disk it would take the space that the next try needs.
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  let written = true;
  try {
    await link(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP')
      throw new RaptError(ErrorKind.badInput, `the file system of ${folder} knows no hard links, which a release needs; put RAPT_HOME on another one`, { cause: error });
    if (code !== 'EEXIST') throw error;
    written = false;
  }
  // Also for another's file: it must not vanish after this attempt has built on it.
  await flushFolder(dirname(path));
  await rm(temporary, { force: true });
  return written;
}

/** Removes the temporary files of attempts that are gone: those of this machine whose process is, and any that are an hour old. */
export async function removeStaleTemporaries(folder: string): Promise<void> {
  const temporaryFolder = join(folder, TEMPORARY_FOLDER);
  for (const name of await readdir(temporaryFolder).catch(() => [])) {
    const path = join(temporaryFolder, name);
    if (!(await isStale(path))) continue;
    await rm(path, { force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  const [, host, pid] = /^(.*)-(\d+)-[0-9a-f]{12}$/.exec(basename(path)) ?? [];
  if (host === undefined) return false;
  if (host === hostname() && !isRunning(Number(pid))) return true;
  const age = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
  return age > STALE_AFTER_MS;
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
