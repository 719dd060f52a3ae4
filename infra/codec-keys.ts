/** Where a process has its keys for payloads from. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatKeyring, newKey, parseKeyring, type Keyring, type PlainPayloads } from '../codec/index.ts';
import { BadInput } from '../contracts/index.ts';
import { makeFolder, setting, writeOnce } from '../system/index.ts';
import { readSecretFile, secret } from './secrets.ts';
import { stackFolder } from './stack/record.ts';

const NAME = 'RAPT_CODEC_KEYS';

export const stackKeysFile = (): string => join(stackFolder(), 'codec-keys');

/** Those that the environment names; with the local Temporal server, else those of the local stack. Null when there are none: payloads are then not encrypted. */
export function resolveKeyring(withLocalStack: boolean, env: NodeJS.ProcessEnv = process.env): Keyring | null {
  const named = secret(NAME, env);
  if (named !== null) return parseKeyring(named, setting(`${NAME}_FILE`, env) ?? NAME);
  return withLocalStack ? readKeysFile(stackKeysFile()) : null;
}

/** The file that is to hold the keys: the one that the environment names, else that of the local stack. */
export const keysFile = (env: NodeJS.ProcessEnv = process.env): string => setting(`${NAME}_FILE`, env) ?? stackKeysFile();

/** Null when there is no such file. */
export const readKeysFile = (path: string): Keyring | null => (existsSync(path) ? parseKeyring(readSecretFile(path, 'keys'), path) : null);

/** The file is readable by its owner alone, and whole at any moment. */
export function writeKeysFile(path: string, keyring: Keyring): void {
  makeFolder(dirname(path), 0o700);
  writeFileSync(`${path}.part`, formatKeyring(keyring), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** The local stack encrypts from its first start on. */
export async function makeStackKeys(): Promise<void> {
  await writeOnce(stackFolder(), stackKeysFile(), Buffer.from(formatKeyring([newKey()])));
}

/** @returns null when nothing is said. */
export function resolvePlainPayloads(env: NodeJS.ProcessEnv = process.env): PlainPayloads | null {
  const text = setting('RAPT_PLAIN_PAYLOADS', env);
  if (text === undefined || text === 'accept' || text === 'refuse') return text ?? null;
  throw new BadInput([{ where: 'RAPT_PLAIN_PAYLOADS', problem: `must be "accept" or "refuse", not "${text}"` }]);
}
