/** keys: what payloads on Temporal are encrypted with. */
import type { Command } from 'commander';
import { newKey, withCurrent, withKey, type Keyring } from '../../codec/index.ts';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { keysFile, readKeysFile, writeKeysFile } from '../../infra/index.ts';
import { print, printJson, say } from '../output.ts';
import { assertFile } from '../outputs.ts';

const RESTART = 'processes that run have to be started again to know it';

export function addKeysCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('the keys with which payloads are encrypted before the Temporal server gets them')
    .option('--file <path>', 'file that holds them; default: RAPT_CODEC_KEYS_FILE, else that of the local stack')
    .addHelpText('after', '\nRotation: `rapt keys add`, bring the file to every process, then `rapt keys use ID`, and bring it there again. Keep old keys for as long as histories are kept.\nExample: rapt keys list');
  keys
    .command('list', { isDefault: true })
    .description('the ids of the keys; the first one encrypts, all of them decrypt')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys list')
    .action(({ json }: { json?: true }, command: Command) => {
      const file = fileOf(command);
      const ids = (readKeysFile(file) ?? []).map(({ id }) => id);
      if (json) printJson({ file, current: ids[0] ?? null, ids });
      else if (ids.length === 0) say(`${file} does not exist; \`rapt keys add\` makes it`);
      else for (const [index, id] of ids.entries()) print(`${id}${index === 0 ? '  encrypts' : ''}`);
    });
  keys
    .command('add')
    .description('make a key, and the file if there is none; it decrypts, and encrypts once `rapt keys use` says so')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys add --file codec-keys')
    .action(({ json }: { json?: true }, command: Command) => {
      const file = writableFileOf(command);
      const key = newKey();
      const before = readKeysFile(file);
      writeKeysFile(file, withKey(before, key));
      if (json) printJson({ file, id: key.id, encrypts: before === null });
      else say(`${file} holds the key ${key.id}${before === null ? ', which encrypts' : ` beside ${before.length} before it`}; ${RESTART}`);
    });
  keys
    .command('use')
    .description('let this key encrypt from now on')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys use 2026-11-25-3f9c2a')
    .action((id: string, { json }: { json?: true }, command: Command) => {
      const file = writableFileOf(command);
      writeKeysFile(file, withCurrent(existing(file), id));
      if (json) printJson({ file, current: id });
      else say(`${id} encrypts; ${RESTART}`);
    });
}

const fileOf = (command: Command): string => command.optsWithGlobals<{ file?: string }>().file ?? keysFile();

function writableFileOf(command: Command): string {
  const file = fileOf(command);
  assertFile('--file', file, { makesFolders: true });
  return file;
}

function existing(file: string): Keyring {
  const keyring = readKeysFile(file);
  if (keyring === null) throw new RaptError(ErrorKind.notFound, `${file} does not exist; \`rapt keys add\` makes it`);
  return keyring;
}
