/** keys list: the ids of the keys. */
import type { Command } from 'commander';
import { nameOf } from '../../../codec/index.ts';
import { readKeysFile } from '../../../settings/index.ts';
import { print, printJson, say } from '../../terminal/output.ts';
import { encrypts, keysFileOf } from './key-file.ts';

const DESCRIPTION =
  "the ids of the keys; for each tenant the first of its own or everybody's encrypts, all of them decrypt";

export function addTo(keys: Command): void {
  keys
    .command('list', { isDefault: true })
    .description(DESCRIPTION)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys list')
    .action(list);
}

function list({ json }: { json?: true }, command: Command): void {
  const file = keysFileOf(command);
  const keyring = readKeysFile(file);
  const keys = (keyring ?? []).map((key) => ({ key, isUsed: encrypts(keyring!, key) }));
  if (json) {
    const ids = keys.map(({ key }) => key.id);
    const told = keys.map(({ key: { id, tenant = null }, isUsed }) => ({ id, tenant, encrypts: isUsed }));
    printJson({ file, current: ids[0] ?? null, ids, keys: told });
  } else if (keyring === null) say(`${file} does not exist; \`rapt keys add\` makes it`);
  else for (const { key, isUsed } of keys) print(`${nameOf(key)}${isUsed ? '  encrypts' : ''}`);
}
