/** Reports in the object store, which its provider cannot read: AES-256-GCM under a key that is derived from the
 *  client's secret.
 *
 *  The nonce is a keyed digest of the object's key and content, so that an attempt after a killed one stores the same
 *  bytes. Equal content under one key gives equal bytes, which tells that the report is the same and no more;
 *  different content has the same nonce with a chance of 2^-96 for each pair. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { ErrorKind, RaptError } from '../../contracts/index.ts';

const CIPHER = 'aes-256-gcm';
const FORMAT = Buffer.from('rapt-sealed/1\n');
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** For one use each: HKDF-SHA-256 (RFC 5869) with what it is for as its info. The secret is uniform, so that it needs
 *  no salt. */
const derive = (secret: Uint8Array, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `rapt ${use}`, KEY_BYTES));

/** Seals bytes for their owner: format, nonce, ciphertext, tag. @param secret of the client. @param key of the object,
 *  which the bytes are bound to. */
export function sealReport(secret: Uint8Array, key: string, bytes: Uint8Array): Buffer {
  const name = Buffer.from(key);
  // The length first, so that no two pairs of key and content are the same bytes.
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  const nonce = createHmac('sha256', derive(secret, 'report nonce'))
    .update(length)
    .update(name)
    .update(bytes)
    .digest()
    .subarray(0, NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, derive(secret, 'report'), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(name);
  return Buffer.concat([FORMAT, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** What was sealed. @throws RaptError accessDenied when it was sealed with another secret or for another object, or
 *  was changed: the cipher does not tell which. */
export function openReport(secret: Uint8Array, key: string, sealed: Uint8Array): Buffer {
  const body = Buffer.from(sealed);
  const nonceEnds = FORMAT.length + NONCE_BYTES;
  try {
    if (!body.subarray(0, FORMAT.length).equals(FORMAT) || body.length < nonceEnds + TAG_BYTES)
      throw new Error('is not sealed');
    const decipher = createDecipheriv(CIPHER, derive(secret, 'report'), body.subarray(FORMAT.length, nonceEnds), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(key));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(body.subarray(nonceEnds, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new RaptError(
      ErrorKind.accessDenied,
      `"${key}" cannot be opened: it was sealed on another client, or was changed since. ` +
        'Only the client whose folder has the release-key it was sealed with can open it',
    );
  }
}
