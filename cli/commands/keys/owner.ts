/** keys owner: a key with which the data owner seals. */
import type { Command } from 'commander';
import { nameOf } from '../../../codec/index.ts';
import { ownerKeysFile } from '../../../settings/index.ts';
import { tenantNameOf } from '../../options/values.ts';
import { assertFile } from '../../options/written-files.ts';
import { printJson, say } from '../../terminal/output.ts';
import { addKey, givenFile, RESTART } from './key-file.ts';

const DESCRIPTION =
  'make a key with which the data owner seals names of files and columns and messages of failures; ' +
  "it stays on the owner's side";
const HELP =
  '\nThe file is that of RAPT_OWNER_KEYS_FILE, else of the local stack, unless --file names another. ' +
  'A later key seals once `rapt keys use ID --file FILE` says so.\n' +
  'Example: rapt keys owner --tenant acme --file owner-keys';

export function addTo(keys: Command): void {
  keys
    .command('owner')
    .description(DESCRIPTION)
    .requiredOption('--tenant <name>', 'whose key it is')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(addOwnerKey);
}

function addOwnerKey({ tenant, json }: { tenant: string; json?: true }, command: Command): void {
  tenantNameOf('--tenant', tenant);
  const file = givenFile(command) ?? ownerKeysFile();
  assertFile('--file', file, { makesFolders: true });
  const { key, isUsed } = addKey(file, tenant);
  if (json) {
    printJson({ file, id: key.id, seals: isUsed });
    return;
  }
  const use = isUsed ? ', which seals' : '';
  say(`${file} holds the owner key ${nameOf(key)}${use}; ${RESTART}, and no process of the provider's may have it`);
}
