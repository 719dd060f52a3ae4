/** keys add: a new key. */
import type { Command } from 'commander';
import { nameOf } from '../../../codec/index.ts';
import { tenantNameOf } from '../../options/values.ts';
import { printJson, say } from '../../terminal/output.ts';
import { addKey, RESTART, writableKeysFileOf } from './key-file.ts';

const DESCRIPTION =
  'make a key, and the file if there is none; ' +
  'it decrypts, and encrypts once `rapt keys use` says so, or where no other does';

export function addTo(keys: Command): void {
  keys
    .command('add')
    .description(DESCRIPTION)
    .option('--tenant <name>', 'whose key it is; default: a key for all tenants')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys add --file codec-keys --tenant acme')
    .action(add);
}

function add({ tenant, json }: { tenant?: string; json?: true }, command: Command): void {
  const owner = tenant === undefined ? null : tenantNameOf('--tenant', tenant);
  const file = writableKeysFileOf(command);
  const { key, before, isUsed } = addKey(file, owner);
  if (json) {
    printJson({ file, id: key.id, encrypts: isUsed });
    return;
  }
  const use = isUsed ? ', which encrypts' : '';
  const others = before === 0 ? '' : `${isUsed ? ',' : ''} beside ${before} before it`;
  say(`${file} holds the key ${nameOf(key)}${use}${others}; ${RESTART}`);
}
