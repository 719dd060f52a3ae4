/** Payloads as Temporal's server gets them: encrypted with AES-256-GCM, so that it can neither read nor change them. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { decode as textOf, encode as bytesOf } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import type { CodecKey, Keyring } from './keyring.ts';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const CIPHER = 'aes-256-gcm';
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
/** A fresh one for each payload, at random: two of 2^32 payloads under one key would share theirs with a chance of 2^-33. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What is done with a payload that is not encrypted although there are keys. */
export type PlainPayloads = 'accept' | 'refuse';

/** @param keyring null when there are no keys: what is sent is then not encrypted, and what comes encrypted is refused with a reason. */
export function createCodec(keyring: Keyring | null, plain: PlainPayloads = 'accept'): PayloadCodec {
  return {
    encode: (payloads) => inPromise(() => (keyring === null ? payloads : payloads.map((payload) => encrypt(payload, keyring[0])))),
    decode: (payloads) => inPromise(() => payloads.map((payload) => (isEncrypted(payload) ? decrypt(payload, keyring) : keyring === null ? payload : checkPlain(payload, plain)))),
  };
}

/** What is thrown becomes a rejection. */
const inPromise = <T>(action: () => T): Promise<T> => new Promise((resolve) => resolve(action()));

const metadataOf = (payload: Payload, name: string): string => textOf(payload.metadata?.[name] ?? new Uint8Array());
const isEncrypted = (payload: Payload): boolean => metadataOf(payload, 'encoding') === ENCODING;

/** The whole payload is inside, its metadata too; the layout of the data is iv, ciphertext, tag. */
function encrypt(payload: Payload, { id, secret }: CodecKey): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, secret, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(bytesOf(id));
  const data = Buffer.concat([iv, cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()]);
  return { metadata: { encoding: bytesOf(ENCODING), [KEY_ID]: bytesOf(id) }, data };
}

function decrypt(payload: Payload, keyring: Keyring | null): Payload {
  const id = metadataOf(payload, KEY_ID);
  const key = keyring?.find((candidate) => candidate.id === id);
  if (key === undefined) {
    const known = keyring === null ? 'and no key is known here' : `which is not among the keys here (${keyring.map((candidate) => candidate.id).join(', ')})`;
    throw new RaptError(ErrorKind.accessDenied, `a payload is encrypted with the key ${id}, ${known}; add it to RAPT_CODEC_KEYS_FILE or RAPT_CODEC_KEYS and start this process again`);
  }
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv(CIPHER, key.secret, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(bytesOf(id));
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    return PayloadMessage.decode(Buffer.concat([decipher.update(data.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]));
  } catch {
    // The cause would say no more: the cipher does not tell a changed payload from a wrong key.
    throw new RaptError(ErrorKind.corruptArtifact, `a payload that says it is encrypted with the key ${id} was changed, or was encrypted with another key of that name`);
  }
}

function checkPlain(payload: Payload, plain: PlainPayloads): Payload {
  if (plain === 'refuse')
    throw new RaptError(ErrorKind.accessDenied, 'a payload is not encrypted, and this process takes only encrypted ones: whoever sent it lacks the keys of RAPT_CODEC_KEYS_FILE. RAPT_PLAIN_PAYLOADS=accept takes both');
  return payload;
}
