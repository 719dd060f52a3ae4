/** Files that are written once, whole, and survive a power cut. */
import { link, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { makeFolder } from './make-folder.mjs';
import { isStale, ownerMark } from './owner.mjs';
import { unreadable } from './unreadable.ts';

const TEMPORARY_FOLDER = 'tmp';

/** Writes a file under its final name exactly once, whoever else tries at the same time. The bytes are flushed under a
 *  temporary name, which is then linked to the final one: link(2) fails if that exists. A kill at any point leaves
 *  either nothing under the final name or all of it, and at worst a temporary file.
 *  @param folder holds the temporary files, on the same file system. @returns false when the file existed; it is left
 *  as it is. */
export async function writeOnce(folder: string, path: string, bytes: Uint8Array): Promise<boolean> {
  const temporaryFolder = join(folder, TEMPORARY_FOLDER);
  makeFolder(temporaryFolder, 0o700);
  const temporary = join(temporaryFolder, ownerMark());
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    // On a full disk the temporary file would take the space that the next try needs.
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
      throw new RaptError(
        ErrorKind.badInput,
        `the file system of ${folder} knows no hard links, which a release needs; put RAPT_HOME on another one`,
        { cause: error },
      );
    if (code !== 'EEXIST') throw error;
    written = false;
  }
  // Also when the file is another's: it must not vanish after this attempt has built on it.
  await flushFolder(dirname(path));
  await rm(temporary, { force: true });
  return written;
}

/** The bytes of a file; null when nobody has written it yet. A file that cannot be read is not taken for missing:
 *  whoever did so would do again what was done. @throws as `unreadable`. */
export async function readWritten(path: string): Promise<Buffer | null> {
  return readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  });
}

/** Removes the temporary files of attempts that have ended: those of this machine whose process has ended, and any that
 *  are an hour old. */
export async function removeStaleTemporaries(folder: string): Promise<void> {
  const temporaryFolder = join(folder, TEMPORARY_FOLDER);
  for (const name of await readdir(temporaryFolder).catch(() => [])) {
    const path = join(temporaryFolder, name);
    if (!(await isStale(path, name))) continue;
    await rm(path, { force: true });
  }
}

/** Makes sure that what a file holds survives a power cut, whoever wrote it. */
export const flushFile = (path: string): Promise<void> => flush(path, 'r+');

const flushFolder = (folder: string): Promise<void> => flush(folder, 'r');

async function flush(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
