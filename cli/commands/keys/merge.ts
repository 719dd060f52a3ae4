/** keys merge: the keys of several files in one. */
import type { Command } from 'commander';
import { merged, tenantsOf } from '../../../codec/index.ts';
import { readKeysFile, writeKeysFile } from '../../../settings/index.ts';
import { printJson, say } from '../../terminal/output.ts';
import { existingKeys, RESTART, writableKeysFileOf } from './key-file.ts';

const DESCRIPTION =
  'put the keys of several files into one, as control and GPU workers need them who serve several tenants';
const HELP = `
What the file of --file (or RAPT_CODEC_KEYS_FILE) holds stays, and stands first.
Example: rapt keys merge acme/codec-keys other/codec-keys --file codec-keys`;

export function addTo(keys: Command): void {
  keys
    .command('merge')
    .description(DESCRIPTION)
    .argument('<files...>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(merge);
}

function merge(files: string[], { json }: { json?: true }, command: Command): void {
  const file = writableKeysFileOf(command);
  const before = readKeysFile(file);
  const keyring = merged([...(before === null ? [] : [before]), ...files.map(existingKeys)]);
  writeKeysFile(file, keyring);
  const tenants = tenantsOf(keyring);
  if (json) printJson({ file, ids: keyring.map(({ id }) => id), tenants });
  else say(`${file} holds ${keyring.length} keys, of ${tenants.join(', ') || 'all tenants'}; ${RESTART}`);
}
