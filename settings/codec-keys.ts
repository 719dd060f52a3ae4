/** From where a process gets its keys for payloads: the service keys, which the provider also has, and the owner keys,
 *  for which control and GPU workers never ask. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  formatKeyring,
  newKey,
  parseKeyring,
  parseOwnerKeys,
  withKey,
  type CodecKey,
  type Keyring,
  type PlainPayloads,
} from '../codec/index.ts';
import { BadInput } from '../contracts/index.ts';
import { makeFolder, setting, writeOnce } from '../system/index.ts';
import { readSecretFile, secret } from './secrets.ts';
import { stackFolder } from './stack-record.ts';

const SERVICE_KEYS = 'RAPT_CODEC_KEYS';
const OWNER_KEYS = 'RAPT_OWNER_KEYS';

const stackKeysFile = (): string => join(stackFolder(), 'codec-keys');
const stackOwnerKeysFile = (): string => join(stackFolder(), 'owner-keys');

/** The service keys that the environment names, else those of the local stack. Null when there are none: payloads are
 *  then not encrypted.
 *  @param withLocalStack whether the Temporal server is the local stack's; otherwise the stack's keys are not taken. */
export function resolveKeyring(withLocalStack: boolean, env: NodeJS.ProcessEnv = process.env): Keyring | null {
  const named = secret(SERVICE_KEYS, env);
  if (named !== null) return parseKeyring(named, setting(`${SERVICE_KEYS}_FILE`, env) ?? SERVICE_KEYS);
  return withLocalStack ? readKeysFile(stackKeysFile()) : null;
}

/** As `resolveKeyring`, the owner keys, for processes on the owner's side: client workers, the command and the codec
 *  server. Null when there are none: nothing is then sealed. */
export function resolveOwnerKeys(withLocalStack: boolean, env: NodeJS.ProcessEnv = process.env): Keyring | null {
  const named = secret(OWNER_KEYS, env);
  if (named !== null) return parseOwnerKeys(named, setting(`${OWNER_KEYS}_FILE`, env) ?? OWNER_KEYS);
  const path = stackOwnerKeysFile();
  return withLocalStack && existsSync(path) ? parseOwnerKeys(readSecretFile(path, 'keys'), path) : null;
}

/** The file for service keys: the one that the environment names, else that of the local stack. */
export const keysFile = (env: NodeJS.ProcessEnv = process.env): string =>
  setting(`${SERVICE_KEYS}_FILE`, env) ?? stackKeysFile();

/** As `keysFile`, for owner keys. */
export const ownerKeysFile = (env: NodeJS.ProcessEnv = process.env): string =>
  setting(`${OWNER_KEYS}_FILE`, env) ?? stackOwnerKeysFile();

/** The keys of a file; null when there is no such file. */
export const readKeysFile = (path: string): Keyring | null =>
  existsSync(path) ? parseKeyring(readSecretFile(path, 'keys'), path) : null;

/** Writes keys to a file that only its owner can read. Whoever reads it meanwhile finds the old keys or the new
 *  ones. */
export function writeKeysFile(path: string, keyring: readonly CodecKey[]): void {
  makeFolder(dirname(path), 0o700);
  writeFileSync(`${path}.part`, formatKeyring(keyring), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** Makes the service keys of the local stack, which encrypts from its first start on. There is a key of its first
 *  tenant, and one of all tenants: client workers of others may be started while control and GPU workers run
 *  already. */
export async function makeStackKeys(tenant: string): Promise<void> {
  await writeOnce(stackFolder(), stackKeysFile(), Buffer.from(formatKeyring([newKey(tenant), newKey()])));
}

/** Makes an owner key of a tenant of the local stack, unless there is one. Call it before the tenant's client worker
 *  starts: a running one does not see a new key, and could not open what is sealed with it. */
export function makeStackOwnerKeys(tenant: string): void {
  const path = stackOwnerKeysFile();
  const before = readKeysFile(path);
  if (before?.some((key) => key.tenant === tenant) !== true) writeKeysFile(path, withKey(before, newKey(tenant)));
}

/** What is to be done with payloads that are not encrypted; null when the environment does not say. */
export function resolvePlainPayloads(env: NodeJS.ProcessEnv = process.env): PlainPayloads | null {
  const text = setting('RAPT_PLAIN_PAYLOADS', env);
  if (text === undefined || text === 'accept' || text === 'refuse') return text ?? null;
  throw new BadInput([{ where: 'RAPT_PLAIN_PAYLOADS', problem: `must be "accept" or "refuse", not "${text}"` }]);
}
