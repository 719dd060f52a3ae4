// @ts-check
/** @import { Sha256 } from '../contracts/index.ts' */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** @param {Uint8Array | string} bytes
 *  @returns {Sha256} */
export function sha256Of(bytes) {
  return asDigest(createHash('sha256').update(bytes));
}

/** Digest and size of a file, at constant memory.
 *  @param {string} path
 *  @returns {Promise<{ sha256: Sha256, sizeBytes: number }>} */
export async function sha256File(path) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  /** @type {AsyncIterable<Buffer>} */
  const chunks = createReadStream(path, { highWaterMark: 1 << 20 });
  for await (const chunk of chunks) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sha256: asDigest(hash), sizeBytes };
}

/** @param {import('node:crypto').Hash} hash */
const asDigest = (hash) => /** @type {Sha256} */ (hash.digest('hex'));
