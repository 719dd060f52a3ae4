/** The keys with which payloads are encrypted. The first one encrypts, all of them decrypt: that is what rotation needs. */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { BadInput, type InputProblem } from '../contracts/index.ts';

export interface CodecKey {
  /** Stands beside each payload, readable by everybody. */
  readonly id: string;
  /** 256 bits for AES. Printing a KeyObject does not show it. */
  readonly secret: KeyObject;
}
export type Keyring = readonly [CodecKey, ...CodecKey[]];

const KEY_BYTES = 32;
const KEY_ID = /^[\w.-]{1,64}$/;

/** Reads "id:base64" entries, separated by commas or line breaks; what follows a "#" is a remark.
 *  @param where names the source in messages, which never repeat what was read. @throws BadInput with everything that is wrong. */
export function parseKeyring(text: string, where: string): Keyring {
  const problems: InputProblem[] = [];
  const keys: CodecKey[] = [];
  const entries = text.replaceAll(/#.*$/gm, '').split(/[\s,]+/).filter((entry) => entry !== '');
  for (const [index, entry] of entries.entries()) {
    const [, id = '', base64 = ''] = /^([^:]*):(.*)$/.exec(entry) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    if (!KEY_ID.test(id) || bytes.length !== KEY_BYTES || bytes.toString('base64') !== base64)
      problems.push({ where, problem: `entry ${index + 1} must be "id:key", the key being the base64 of ${KEY_BYTES} bytes; \`rapt keys add\` makes one` });
    else if (keys.some((key) => key.id === id)) problems.push({ where, problem: `the key id ${id} stands there twice` });
    else keys.push({ id, secret: createSecretKey(bytes) });
  }
  const [current, ...others] = keys;
  if (current === undefined && problems.length === 0) problems.push({ where, problem: 'holds no key; `rapt keys add` makes one' });
  if (current === undefined || problems.length > 0) throw new BadInput(problems);
  return [current, ...others];
}

/** As `parseKeyring` reads it. The only place where a key becomes text. */
export function formatKeyring(keyring: Keyring): string {
  return keyring.map(({ id, secret }) => `${id}:${secret.export().toString('base64')}\n`).join('');
}

/** A key of the operating system's randomness, named by the day and by chance. */
export function newKey(now = new Date()): CodecKey {
  const id = `${now.toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`;
  return { id, secret: createSecretKey(randomBytes(KEY_BYTES)) };
}

/** Adds a key that decrypts, and does not encrypt yet: so it can be brought to every process first. */
export const withKey = (keyring: Keyring | null, key: CodecKey): Keyring => (keyring === null ? [key] : [...keyring, key]);

/** Makes a key the one that encrypts. @throws BadInput when there is none of this id. */
export function withCurrent(keyring: Keyring, id: string): Keyring {
  const current = keyring.find((key) => key.id === id);
  if (current === undefined) throw new BadInput([{ where: id, problem: `is not among the keys, which are ${keyring.map((key) => key.id).join(', ')}` }]);
  return [current, ...keyring.filter((key) => key !== current)];
}
