/** The file of keys that the commands below `keys` read and change. */
import type { Command } from 'commander';
import { keyFor, newKey, withKey, type CodecKey, type Keyring } from '../../../codec/index.ts';
import { ErrorKind, RaptError } from '../../../contracts/index.ts';
import { keysFile, readKeysFile, writeKeysFile } from '../../../settings/index.ts';
import { assertFile } from '../../options/written-files.ts';

export const RESTART = 'processes that run have to be started again to know it';

/** What `--file` names, which stands above the commands; undefined without it. */
export const givenFile = (command: Command): string | undefined => command.optsWithGlobals<{ file?: string }>().file;

export const keysFileOf = (command: Command): string => givenFile(command) ?? keysFile();

/** @throws BadInput unless it can be written. */
export function writableKeysFileOf(command: Command): string {
  const file = keysFileOf(command);
  assertFile('--file', file, { makesFolders: true });
  return file;
}

/** @throws RaptError notFound when there is no such file. */
export function existingKeys(file: string): Keyring {
  const keyring = readKeysFile(file);
  if (keyring === null) throw new RaptError(ErrorKind.notFound, `${file} does not exist; \`rapt keys add\` makes it`);
  return keyring;
}

/** Whether this is the key that encrypts for its tenant, or for all. */
export const encrypts = (keyring: Keyring, { id, tenant }: CodecKey): boolean =>
  keyFor(keyring, tenant ?? null)?.id === id;

export interface AddedKey {
  readonly key: CodecKey;
  /** Keys that the file held before. */
  readonly before: number;
  /** Whether the new key encrypts. */
  readonly isUsed: boolean;
}

/** Adds a new key to a file, which is made if need be. @param tenant whose key it is; null for all. */
export function addKey(file: string, tenant: string | null): AddedKey {
  const key = newKey(tenant);
  const keyring = readKeysFile(file);
  writeKeysFile(file, withKey(keyring, key));
  return { key, before: keyring?.length ?? 0, isUsed: encrypts(readKeysFile(file)!, key) };
}
