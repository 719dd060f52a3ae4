/** The keys with which payloads are encrypted. A key belongs to one tenant, or, as all did once, to every one of them.
 *  For each tenant the first of those that are his or everybody's encrypts, and all of them decrypt: that is what
 *  rotation needs, and the way from one key for all to a key for each.
 *
 *  Two files hold keys in the same form. Service keys: whoever works for a tenant has that tenant's, the provider those
 *  of all whom he serves. Owner keys, which never leave the owner's side, seal what only he needs (seals.ts): they lie
 *  in a file of their own, so that no process of the provider's ever reads them. */
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
          `entry ${index + 1} must be "id:key" or "tenant/id:key", the key being the base64 of ${KEY_BYTES} bytes; ` +
          '`rapt keys add` makes one',
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

/** As `parseKeyring`, for keys of which each must have an owner. */
export function parseOwnerKeys(text: string, where: string): Keyring {
  const keys = parseKeyring(text, where);
  const problems = keys.flatMap(({ id, tenant }) =>
    tenant === undefined
      ? [
          {
            where,
            problem: `the owner key ${id} must name its tenant: "tenant/${id}:key"; \`rapt keys owner\` makes one`,
          },
        ]
      : [],
  );
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

/** A key of the operating system's randomness, named by the day and by chance. @param tenant whose it is; null for a
 *  key of all. */
export function newKey(tenant: string | null = null, now = new Date()): CodecKey {
  const id = `${now.toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`;
  return { id, ...(tenant !== null && { tenant }), secret: createSecretKey(randomBytes(KEY_BYTES)) };
}

/** Adds a key that decrypts, and does not encrypt yet where another is there: so it can be brought to every process
 *  first. */
export const withKey = (keyring: Keyring | null, key: CodecKey): Keyring =>
  keyring === null ? [key] : [...keyring, key];

/** Makes a key the one that encrypts for its tenant, or for all. @throws BadInput when there is none of this id. */
export function withCurrent(keyring: Keyring, id: string): Keyring {
  const current = keyring.find((key) => key.id === id || nameOf(key) === id);
  if (current === undefined)
    throw new BadInput([{ where: id, problem: `is not among the keys, which are ${keyring.map(nameOf).join(', ')}` }]);
  return [current, ...keyring.filter((key) => key !== current)];
}

/** What encrypts for a tenant; without a tenant, for whom it is not known whose a payload is. Null when no key may. */
export function keyFor(keyring: Keyring, tenant: string | null): CodecKey | null {
  return keyring.find((key) => key.tenant === undefined || key.tenant === tenant) ?? null;
}

/** The tenants that have a key of their own. */
export const tenantsOf = (keyring: Keyring): string[] => [
  ...new Set(keyring.flatMap(({ tenant }) => (tenant === undefined ? [] : [tenant]))),
];

/** Of several keyrings one, each key once. @throws BadInput for two keys of one id. */
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
