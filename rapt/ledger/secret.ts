/** The key of all digests that name texts and releases. It never leaves the client. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, readWritten, writeOnce } from '../../system/index.ts';

const SECRET_FILE = 'release-key';
const SECRET_BYTES = 32;

/** The secret of a client's folder, made on first use. Whoever loses it loses the link to earlier releases: keep it
 *  with them. */
export async function clientSecret(folder: string): Promise<Uint8Array> {
  makeFolder(folder, 0o700);
  const known = await knownSecret(folder);
  if (known !== null) return known;
  // Two workers that start at once agree on the one that was first.
  await writeOnce(folder, secretFile(folder), randomBytes(SECRET_BYTES));
  return readFile(secretFile(folder));
}

/** The same, where it was made already; null where it was not. */
export const knownSecret = (folder: string): Promise<Uint8Array | null> => readWritten(secretFile(folder));

const secretFile = (folder: string): string => join(folder, SECRET_FILE);
