/** The keys with which payloads are encrypted. A key belongs to one tenant, or to all of them, as every key once did.
 *  Of the keys that are a tenant's or everybody's, the first encrypts and all decrypt. This allows rotation, and the
 *  step from one key for all tenants to a key for each.
 *
 *  Two files hold keys in the same form. The service keys: whoever works for a tenant has that tenant's, and the
 *  provider has those of all tenants it serves. The owner keys: they never leave the owner's side, and seal what only
 *  the owner needs (seals.ts). They lie in a file of their own, so that no process of the provider ever reads them. */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { BadInput, isTenantName, type InputProblem } from '../contracts/index.ts';

export interface CodecKey {
  /** Stands beside each payload, readable by everybody. */
  readonly id: string;
  /** Whose it is; absent for a key of all tenants. */
  readonly tenant?: string | undefined;
  /** 256 bits for AES. Printing a KeyObject does not show it. */
  readonly secret: KeyObject;
}
export type Keyring = readonly [CodecKey, ...CodecKey[]];

const KEY_BYTES = 32;
const KEY_ID = /^[\w.-]{1,64}$/;

/** Reads "id:base64" and "tenant/id:base64" entries, separated by commas or line breaks; what follows a "#" is a
 *  remark.
 *  @param where names the source in messages, which never repeat what was read. @throws BadInput with everything
 *  that is wrong. */
export function parseKeyring(text: string, where: string): Keyring {
  const problems: InputProblem[] = [];
  const keys: CodecKey[] = [];
  const entries = text
    .replaceAll(/#.*$/gm, '')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  for (const [index, entry] of entries.entries()) {
    const [, tenant, id = '', base64 = ''] = /^(?:([^:/]*)\/)?([^:]*):(.*)$/.exec(entry) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    if (
      !KEY_ID.test(id) ||
      bytes.length !== KEY_BYTES ||
      bytes.toString('base64') !== base64 ||
      (tenant !== undefined && !isTenantName(tenant))
    )
      problems.push({
        where,
        problem:
          `entry ${index + 1} must be "id:key" or "tenant/id:key", ` +
          `the key being the base64 of ${KEY_BYTES} bytes; \`rapt keys add\` makes one`,
      });
    else if (keys.some((key) => key.id === id))
      problems.push({ where, problem: `the key id ${id} stands there twice` });
    else keys.push({ id, ...(tenant !== undefined && { tenant }), secret: createSecretKey(bytes) });
  }
  const [current, ...others] = keys;
  if (current === undefined && problems.length === 0)
    problems.push({ where, problem: 'holds no key; `rapt keys add` makes one' });
  if (current === undefined || problems.length > 0) throw new BadInput(problems);
  return [current, ...others];
}

/** As `parseKeyring`, for keys each of which must name its tenant. */
export function parseOwnerKeys(text: string, where: string): Keyring {
  const keys = parseKeyring(text, where);
  const problems = keys
    .filter(({ tenant }) => tenant === undefined)
    .map(({ id }) => ({
      where,
      problem: `the owner key ${id} must name its tenant: "tenant/${id}:key"; \`rapt keys owner\` makes one`,
    }));
  if (problems.length > 0) throw new BadInput(problems);
  return keys;
}

/** As `parseKeyring` reads it. The only place where a key becomes text. */
export function formatKeyring(keyring: readonly CodecKey[]): string {
  return keyring.map((key) => `${nameOf(key)}:${key.secret.export().toString('base64')}\n`).join('');
}

/** A key's id, with its tenant before it. */
export const nameOf = ({ id, tenant }: Pick<CodecKey, 'id' | 'tenant'>): string =>
  tenant === undefined ? id : `${tenant}/${id}`;

/** A key from the operating system's randomness. Its name is the day and some random digits.
 *  @param tenant to whom it belongs; null for a key of all tenants. */
export function newKey(tenant: string | null = null, now = new Date()): CodecKey {
  const id = `${now.toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`;
  return { id, ...(tenant !== null && { tenant }), secret: createSecretKey(randomBytes(KEY_BYTES)) };
}

/** Adds a key that decrypts. Where another key is there it does not encrypt yet, so that it can first be brought to
 *  every process. */
export const withKey = (keyring: Keyring | null, key: CodecKey): Keyring =>
  keyring === null ? [key] : [...keyring, key];

/** Makes a key the one that encrypts for its tenant, or for all. @throws BadInput when there is none of this id. */
export function withCurrent(keyring: Keyring, id: string): Keyring {
  const current = keyring.find((key) => key.id === id || nameOf(key) === id);
  if (current === undefined)
    throw new BadInput([{ where: id, problem: `is not among the keys, which are ${keyring.map(nameOf).join(', ')}` }]);
  return [current, ...keyring.filter((key) => key !== current)];
}

/** The key that encrypts for a tenant; null when there is none. @param tenant null when it is not known to whom a
 *  payload belongs: only a key of all tenants will then do. */
export function keyFor(keyring: Keyring, tenant: string | null): CodecKey | null {
  return keyring.find((key) => key.tenant === undefined || key.tenant === tenant) ?? null;
}

/** The tenants that have a key of their own. */
export const tenantsOf = (keyring: Keyring): string[] => [
  ...new Set(keyring.flatMap(({ tenant }) => (tenant === undefined ? [] : [tenant]))),
];

/** Joins several keyrings into one, each key once. @throws BadInput when two keys have the same id. */
export function merged(keyrings: readonly Keyring[]): Keyring {
  const [first, ...others] = [
    ...new Map(
      keyrings.flat().map((key) => [`${nameOf(key)}:${key.secret.export().toString('base64')}`, key]),
    ).values(),
  ];
  if (first === undefined) throw new Error('there is no keyring');
  const keys: Keyring = [first, ...others];
  const twice = keys.find((key, at) => keys.findIndex(({ id }) => id === key.id) !== at);
  if (twice !== undefined)
    throw new BadInput([
      { where: nameOf(twice), problem: 'is the id of two keys that differ; take one of the two out' },
    ]);
  return keys;
}
