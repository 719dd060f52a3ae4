/** Payloads as Temporal's server gets them: encrypted with AES-256-GCM, so that it can neither read nor change them,
 *  nor put one in the place of another.
 *
 *  There are two forms. Where the SDK says whose a payload is (its serialization context), the place is authenticated
 *  with it: namespace, workflow, and the activity if it belongs to one. The place stands readable beside the payload,
 *  since the codec server gets payloads without their context; whoever knows the context compares the two. Where the
 *  SDK says nothing, in the codec server and for a schedule's memo, only the key's id is authenticated. All payloads of
 *  earlier versions have that form, and are still read.
 *
 *  Which tenant's key encrypts follows from the run (run-tenants.ts). A payload under the key of another tenant than
 *  its run's is refused. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { decode as textOf, encode as bytesOf } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { keyFor, nameOf, type CodecKey, type Keyring } from './keyring.ts';
import { isAt, placeOf } from './place.ts';
import { RunTenants } from './run-tenants.ts';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const CIPHER = 'aes-256-gcm';
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const PLACE = 'encryption-place';
/** A fresh one for each payload, at random: two of 2^32 payloads under one key would share theirs with a chance of
 *  2^-33. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What is done with a payload that is not encrypted although there are keys. */
export type PlainPayloads = 'accept' | 'refuse';

/** @param keyring null when there are no keys: what is sent is then not encrypted, and what comes encrypted is refused
 *  with a reason.
 *  @param tenant to whom all payloads belong, in a process of one tenant; null in one that works for several. */
export function createCodec(
  keyring: Keyring | null,
  plain: PlainPayloads = 'accept',
  tenant: string | null = null,
): PayloadCodec {
  if (keyring === null)
    return {
      encode: (payloads) => Promise.resolve(payloads),
      decode: (payloads) =>
        inPromise(() => payloads.map((payload) => (isEncrypted(payload) ? decrypt(payload, null) : payload))),
    };
  const tenants = new RunTenants(keyring, tenant);
  const decodeOne = (payload: Payload, context: SerializationContext | undefined): Payload => {
    if (!isEncrypted(payload)) {
      tenants.sawPlain(checkPlain(payload, plain), context);
      return payload;
    }
    const key = requireKey(payload, keyring);
    tenants.assertTenant(key, context);
    const decrypted = decrypt(payload, key);
    assertPlace(payload, context);
    tenants.sawEncrypted(key, decrypted, context);
    return decrypted;
  };
  return {
    encode: (payloads, context) =>
      inPromise(() => {
        if (payloads.length === 0) return payloads;
        const owner = tenants.of(payloads, context);
        const key = keyFor(keyring, owner);
        if (key === null) throw noKeyFor(owner, keyring);
        return payloads.map((payload) => encrypt(payload, key, placeOf(context)));
      }),
    decode: (payloads, context) => inPromise(() => payloads.map((payload) => decodeOne(payload, context))),
  };
}

function noKeyFor(owner: string | null, keyring: Keyring): RaptError {
  const whom = owner === null ? 'a run whose tenant is not known' : `tenant ${owner}`;
  const known = keyring.map(nameOf).join(', ');
  return new RaptError(
    ErrorKind.accessDenied,
    `there is no key to encrypt with for ${whom}; the keys here are ${known}. \`rapt keys add --tenant\` makes one`,
  );
}

/** What is thrown becomes a rejection. */
const inPromise = <T>(action: () => T): Promise<T> => new Promise((resolve) => resolve(action()));

const metadataOf = (payload: Payload, name: string): string => textOf(payload.metadata?.[name] ?? new Uint8Array());
const isEncrypted = (payload: Payload): boolean => metadataOf(payload, 'encoding') === ENCODING;

/** Encrypts a whole payload, its metadata included; the layout of the data is iv, ciphertext, tag.
 *  @param place null in the form that names none. */
function encrypt(payload: Payload, key: CodecKey, place: string | null): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key.secret, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(additional(key, place));
  const data = Buffer.concat([
    iv,
    cipher.update(PayloadMessage.encode(payload).finish()),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return {
    metadata: {
      encoding: bytesOf(ENCODING),
      [KEY_ID]: bytesOf(key.id),
      ...(place !== null && { [PLACE]: bytesOf(place) }),
    },
    data,
  };
}

const additional = ({ id, tenant }: CodecKey, place: string | null): Uint8Array =>
  bytesOf(place === null ? id : JSON.stringify(['rapt-payload/2', tenant ?? null, id, place]));

const placeIn = (payload: Payload): string | null => (payload.metadata?.[PLACE] ? metadataOf(payload, PLACE) : null);

function requireKey(payload: Payload, keyring: Keyring | null): CodecKey {
  const id = metadataOf(payload, KEY_ID);
  const key = keyring?.find((candidate) => candidate.id === id);
  if (key !== undefined) return key;
  const known =
    keyring === null
      ? 'and no key is known here'
      : `which is not among the keys here (${keyring.map((candidate) => candidate.id).join(', ')})`;
  throw new RaptError(
    ErrorKind.accessDenied,
    `a payload is encrypted with the key ${id}, ${known}; ` +
      'add it to RAPT_CODEC_KEYS_FILE or RAPT_CODEC_KEYS and start this process again',
  );
}

/** @param found the key of this payload; null when there are no keys. */
function decrypt(payload: Payload, found: CodecKey | null): Payload {
  const key = found ?? requireKey(payload, null);
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv(CIPHER, key.secret, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(additional(key, placeIn(payload)));
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    return PayloadMessage.decode(
      Buffer.concat([decipher.update(data.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]),
    );
  } catch {
    // The cause would say no more: the cipher does not tell a changed payload from a wrong key.
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `a payload that says it is encrypted with the key ${key.id} was changed, ` +
        'or was encrypted with another key of that name',
    );
  }
}

/** Compares a payload's place with where it was found. Call it after decrypting: only then is the place known to be the
 *  one that was encrypted with it. */
function assertPlace(payload: Payload, context: SerializationContext | undefined): void {
  const place = placeIn(payload);
  if (place === null || context === undefined || isAt(place, context)) return;
  const here = placeOf(context) ?? 'another place';
  throw new RaptError(
    ErrorKind.corruptArtifact,
    `a payload that was encrypted for ${place} stands in ${here}: it was copied there. ` +
      'What was started with it must be started again',
  );
}

function checkPlain(payload: Payload, plain: PlainPayloads): Payload {
  if (plain === 'refuse')
    throw new RaptError(
      ErrorKind.accessDenied,
      'a payload is not encrypted, and this process takes only encrypted ones: ' +
        'whoever sent it lacks the keys of RAPT_CODEC_KEYS_FILE. RAPT_PLAIN_PAYLOADS=accept takes both',
    );
  return payload;
}
