/** Where a process has its keys for payloads from: service keys, which the provider has as well, and owner keys, which
 *  control and GPU workers never ask for. */
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

const NAME = 'RAPT_CODEC_KEYS';
const OWNER_NAME = 'RAPT_OWNER_KEYS';

export const stackKeysFile = (): string => join(stackFolder(), 'codec-keys');
const stackOwnerKeysFile = (): string => join(stackFolder(), 'owner-keys');

/** Those that the environment names; with the local Temporal server, else those of the local stack. Null when there are
 *  none: payloads are then not encrypted. */
export function resolveKeyring(withLocalStack: boolean, env: NodeJS.ProcessEnv = process.env): Keyring | null {
  const named = secret(NAME, env);
  if (named !== null) return parseKeyring(named, setting(`${NAME}_FILE`, env) ?? NAME);
  return withLocalStack ? readKeysFile(stackKeysFile()) : null;
}

/** As `resolveKeyring`, for processes on the owner's side: client workers, the command and the codec server. Null when
 *  there are none: nothing is then sealed. */
export function resolveOwnerKeys(withLocalStack: boolean, env: NodeJS.ProcessEnv = process.env): Keyring | null {
  const named = secret(OWNER_NAME, env);
  if (named !== null) return parseOwnerKeys(named, setting(`${OWNER_NAME}_FILE`, env) ?? OWNER_NAME);
  const path = stackOwnerKeysFile();
  return withLocalStack && existsSync(path) ? parseOwnerKeys(readSecretFile(path, 'keys'), path) : null;
}

/** The file that is to hold the keys: the one that the environment names, else that of the local stack. */
export const keysFile = (env: NodeJS.ProcessEnv = process.env): string =>
  setting(`${NAME}_FILE`, env) ?? stackKeysFile();
export const ownerKeysFile = (env: NodeJS.ProcessEnv = process.env): string =>
  setting(`${OWNER_NAME}_FILE`, env) ?? stackOwnerKeysFile();

/** Null when there is no such file. */
export const readKeysFile = (path: string): Keyring | null =>
  existsSync(path) ? parseKeyring(readSecretFile(path, 'keys'), path) : null;

/** The file is readable by its owner alone, and whole at any moment. */
export function writeKeysFile(path: string, keyring: readonly CodecKey[]): void {
  makeFolder(dirname(path), 0o700);
  writeFileSync(`${path}.part`, formatKeyring(keyring), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** The local stack encrypts from its first start on: with a key of its first tenant, and with one of all for others,
 *  whose client workers may be started beside control and GPU workers that run already. */
export async function makeStackKeys(tenant: string): Promise<void> {
  await writeOnce(stackFolder(), stackKeysFile(), Buffer.from(formatKeyring([newKey(tenant), newKey()])));
}

/** Called before a client worker starts: one that runs does not see a new key, and could not open what is sealed with
 *  it. */
export function makeStackOwnerKeys(tenant: string): void {
  const path = stackOwnerKeysFile();
  const before = readKeysFile(path);
  if (before?.some((key) => key.tenant === tenant) !== true) writeKeysFile(path, withKey(before, newKey(tenant)));
}

/** @returns null when nothing is said. */
export function resolvePlainPayloads(env: NodeJS.ProcessEnv = process.env): PlainPayloads | null {
  const text = setting('RAPT_PLAIN_PAYLOADS', env);
  if (text === undefined || text === 'accept' || text === 'refuse') return text ?? null;
  throw new BadInput([{ where: 'RAPT_PLAIN_PAYLOADS', problem: `must be "accept" or "refuse", not "${text}"` }]);
}
