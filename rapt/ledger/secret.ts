/** The key of all digests that name texts and releases. It never leaves the client. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeOnce } from '../../system/index.ts';

const SECRET_FILE = 'release-key';
const SECRET_BYTES = 32;

/** The secret of a client's folder, made on first use. Whoever loses it loses the link to earlier releases: keep it with them. */
export async function clientSecret(folder: string): Promise<Uint8Array> {
  const path = join(folder, SECRET_FILE);
  makeFolder(folder, 0o700);
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Two workers that start at once agree on the one that was first.
  await writeOnce(folder, path, randomBytes(SECRET_BYTES));
  return readFile(path);
}
