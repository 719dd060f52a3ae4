/** keys split: one tenant's keys, for the provider and for the data owner. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { newKey, withKey, type Keyring } from '../../../codec/index.ts';
import { readKeysFile, writeKeysFile } from '../../../settings/index.ts';
import { tenantNameOf } from '../../options/values.ts';
import { assertFile } from '../../options/written-files.ts';
import { printJson, say } from '../../terminal/output.ts';
import { keysFileOf } from './key-file.ts';

interface SplitOptions {
  readonly tenant: string;
  readonly out: string;
  readonly json?: true;
}

interface SplitFiles {
  readonly provider: string;
  readonly client: string;
  readonly owner: string;
}

const DESCRIPTION =
  'write the keys of one tenant into two folders, one for the provider and one for the data owner, ' +
  'and make those that are missing';
const HELP =
  '\nKeys that --file (or RAPT_CODEC_KEYS_FILE) holds of the tenant are taken over; ' +
  'those of others, and of all, are not. Owner keys in the folder stay.\n' +
  'Example: rapt keys split --tenant acme --out keys';

export function addTo(keys: Command): void {
  keys
    .command('split')
    .description(DESCRIPTION)
    .requiredOption('--tenant <name>', 'whose keys they are')
    .requiredOption('--out <folder>', 'gets provider/codec-keys, owner/codec-keys and owner/owner-keys')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(({ tenant, out, json }: SplitOptions, command: Command) => {
      tenantNameOf('--tenant', tenant);
      const written = split(tenant, out, readKeysFile(keysFileOf(command)));
      if (json) printJson({ tenant, ...written });
      else say(inWords(written));
    });
}

/** @param known keys that are taken over where they are the tenant's. */
function split(tenant: string, out: string, known: Keyring | null): SplitFiles {
  const paths = {
    provider: join(out, 'provider', 'codec-keys'),
    client: join(out, 'owner', 'codec-keys'),
    owner: join(out, 'owner', 'owner-keys'),
  };
  for (const path of Object.values(paths)) assertFile('--out', path, { makesFolders: true });
  const own = [...(known ?? []), ...(readKeysFile(paths.client) ?? [])].filter(
    (key, at, all) => key.tenant === tenant && all.findIndex(({ id }) => id === key.id) === at,
  );
  const service = own.length > 0 ? own : [newKey(tenant)];
  writeKeysFile(paths.provider, service);
  writeKeysFile(paths.client, service);
  const owner = readKeysFile(paths.owner);
  if (owner?.some((key) => key.tenant === tenant) !== true) writeKeysFile(paths.owner, withKey(owner, newKey(tenant)));
  return paths;
}

const inWords = ({ provider, client, owner }: SplitFiles): string =>
  [
    `${provider}: RAPT_CODEC_KEYS_FILE of control and GPU workers`,
    `${client}: RAPT_CODEC_KEYS_FILE of client workers, command and codec server`,
    `${owner}: their RAPT_OWNER_KEYS_FILE, which the provider must not get`,
  ].join('\n');
