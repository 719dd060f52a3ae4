/** Seals: AES-256-GCM under an owner key, which control and GPU workers never hold.
 *
 *  The place of a value (field and run) lies inside the seal, beside the value, and not only in the additional data. So
 *  the codec server, which only shows payloads, can open a seal without knowing where it stood, and whoever acts on the
 *  value compares the place with where the seal was found. The additional data are the tenant and the key's id. A seal
 *  that was made in Temporal's UI before its run had a name fits any run of its tenant. A schedule's seals fit the runs
 *  that the schedule starts. The content is filled up to a multiple of 64 bytes, so that the length of a path shows
 *  only in steps of 64. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { ErrorKind, isRunOf, RaptError, SEALED, type SealPlace, type Seals } from '../contracts/index.ts';
import type { CodecKey, Keyring } from './keyring.ts';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 64;
/** The part of an output's name that stands readable after its seal: it tells the format. */
const ENDING = /\.(?:csv|jsonl)$/;

interface Content extends SealPlace {
  readonly value: string;
}

/** The seals of one tenant; null when there is no owner key of it. */
export function createSeals(ownerKeys: Keyring | null, tenant: string): Seals | null {
  const own = ownerKeys?.find((key) => key.tenant === tenant);
  if (ownerKeys === null || own === undefined) return null;
  return {
    tenant,
    seal: (value, place) => sealWith(own, tenant, { ...place, value }),
    open(sealed, { field, run }) {
      const content = openWith(ownerKeys, tenant, sealed, field);
      if (content.field !== field) throw misplaced(field, `is the sealed value of ${content.field}`);
      if (content.run !== null && run !== null && !isRunOf(run, content.run))
        throw misplaced(field, `was sealed for run ${content.run}, and stands in run ${run}`);
      return content.value;
    },
  };
}

/** Opens a seal wherever it stands, for showing only: whoever acts on a value must compare its place. Null when its key
 *  is not here, or the seal was changed. */
export function openAnywhere(ownerKeys: Keyring, sealed: string): Content | null {
  const [, id] = SEALED.exec(sealed) ?? [];
  const tenant = ownerKeys.find((key) => key.id === id)?.tenant;
  if (tenant === undefined) return null;
  try {
    return openWith(ownerKeys, tenant, sealed, '');
  } catch (error) {
    if (error instanceof RaptError) return null;
    throw error;
  }
}

function sealWith({ id, secret }: CodecKey, tenant: string, content: Content): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, secret, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(additional(tenant, id));
  const bytes = Buffer.concat([
    iv,
    cipher.update(filledUp(JSON.stringify(content))),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const ending = content.field === 'out' ? (ENDING.exec(content.value)?.[0] ?? '') : '';
  return `sealed:1:${id}:${bytes.toString('base64url')}${ending}`;
}

function openWith(ownerKeys: Keyring, tenant: string, sealed: string, field: string): Content {
  const [, id = '', base64 = '', ending = ''] = SEALED.exec(sealed) ?? [];
  const key = ownerKeys.find((candidate) => candidate.id === id);
  if (key === undefined)
    throw new RaptError(
      ErrorKind.accessDenied,
      `${field} is sealed with the owner key ${id}, which is not among those here; ` +
        'add it to RAPT_OWNER_KEYS_FILE and start this process again',
    );
  if (key.tenant !== tenant)
    throw new RaptError(
      ErrorKind.accessDenied,
      `${field} is sealed with an owner key of another tenant than ${tenant}: ` +
        'the request was put together from several; start the run again',
    );
  const data = Buffer.from(base64, 'base64url');
  const content = decrypted(key, tenant, data, field);
  if (!content.value.endsWith(ending))
    throw misplaced(field, `ends with ${ending} outside of its seal, and otherwise within`);
  return content;
}

function decrypted({ id, secret }: CodecKey, tenant: string, data: Buffer, field: string): Content {
  try {
    const decipher = createDecipheriv(CIPHER, secret, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(additional(tenant, id));
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(data.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    );
    return JSON.parse(text) as Content;
  } catch {
    // The cipher cannot tell a changed value from a wrong key.
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `${field} was changed after it was sealed, or was sealed with another key of the name ${id}; start the run again`,
    );
  }
}

const additional = (tenant: string, id: string): Buffer => Buffer.from(JSON.stringify(['rapt-seal/1', tenant, id]));

/** JSON, filled up with spaces, with which it may end. */
function filledUp(json: string): Buffer {
  const bytes = Buffer.from(json);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES, ' ')]);
}

const misplaced = (field: string, why: string): RaptError =>
  new RaptError(ErrorKind.corruptArtifact, `${field} ${why}: it was copied there; start the run again`);
