/** By which a later release finds the rows of a shard: a keyed digest of each row, in the order of the shard. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { makeFolder, writeOnce } from '../../system/index.ts';
import { digestsFile } from './layout.ts';
import type { KeptTokens } from './truncate.ts';

/** In the digests of a shard: a row that was not drawn there but taken over. */
export const TAKEN_OVER = 0n;

/** Two of a million rows share a digest with a chance of 3e-8; one of them then gets the other's version, and is not
 *  released itself. @param drawnLabel null for a row whose label is not drawn. @param secret this client's own, from
 *  `clientSecret`. */
export function rowDigest({ text, pair }: KeptTokens, drawnLabel: string | null, secret: Uint8Array): bigint {
  const hash = createHmac('sha256', secret).update(`row ${text.length}\0`).update(bytesOf(text)).update(bytesOf(pair));
  if (drawnLabel !== null) hash.update(`\0label\0${drawnLabel}`);
  const digest = hash.digest().readBigUInt64BE();
  return digest === TAKEN_OVER ? 1n : digest;
}

/** Kept before the shard gets its name, as its record is. */
export async function writeDigests(folder: string, shard: Sha256, digests: readonly bigint[]): Promise<void> {
  const path = digestsFile(folder, shard);
  makeFolder(dirname(path), 0o700);
  await writeOnce(folder, path, new Uint8Array(BigUint64Array.from(digests).buffer));
}

/** @param rows of the shard. @throws RaptError corruptArtifact when there is not one for each row. */
export async function readDigests(folder: string, shard: Sha256, rows: number): Promise<BigUint64Array> {
  const path = digestsFile(folder, shard);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw lost(path, cause);
  });
  const digests = new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  if (digests.length !== rows) throw lost(path);
  return digests;
}

const bytesOf = (ids: Int32Array): Uint8Array => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);

/** For a file of an earlier release. */
export const lost = (path: string, cause?: unknown): RaptError =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `${path} is missing, or was changed or damaged. This release takes rows over from it; restore the file: ` +
      'drawing them again would release them a second time',
    { cause },
  );
