/** keys: what payloads on Temporal are encrypted with, and what the data owner seals with. */
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  keyFor,
  merged,
  nameOf,
  newKey,
  tenantsOf,
  withCurrent,
  withKey,
  type CodecKey,
  type Keyring,
} from '../../codec/index.ts';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { keysFile, ownerKeysFile, readKeysFile, writeKeysFile } from '../../settings/index.ts';
import { tenantNameOf } from '../options/values.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { assertFile } from '../options/written-files.ts';

const RESTART = 'processes that run have to be started again to know it';

interface Json {
  readonly json?: true;
}

export function addTo(program: Command): void {
  const keys = program
    .command('keys')
    .description(
      'the keys with which payloads are encrypted before the Temporal server gets them, and with which their owner ' +
        'seals what the provider need not know',
    )
    .option('--file <path>', 'file that holds them; default: RAPT_CODEC_KEYS_FILE, else that of the local stack')
    .addHelpText(
      'after',
      '\nRotation: `rapt keys add`, bring the file to every process, then `rapt keys use ID`, and bring it there ' +
        'again. Keep old keys for as long as histories are kept.\nExample: rapt keys list\n         rapt keys split ' +
        '--tenant acme --out keys',
    );
  keys
    .command('list', { isDefault: true })
    .description(
      "the ids of the keys; for each tenant the first of his own or everybody's encrypts, all of them decrypt",
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys list')
    .action(({ json }: Json, command: Command) => {
      const file = fileOf(command);
      const keyring = readKeysFile(file);
      const ids = (keyring ?? []).map(({ id }) => id);
      if (json)
        printJson({
          file,
          current: ids[0] ?? null,
          ids,
          keys: (keyring ?? []).map((key) => ({
            id: key.id,
            tenant: key.tenant ?? null,
            encrypts: encrypts(keyring!, key),
          })),
        });
      else if (keyring === null) say(`${file} does not exist; \`rapt keys add\` makes it`);
      else for (const key of keyring) print(`${nameOf(key)}${encrypts(keyring, key) ? '  encrypts' : ''}`);
    });
  keys
    .command('add')
    .description(
      'make a key, and the file if there is none; it decrypts, and encrypts once `rapt keys use` says so, or where ' +
        'no other does',
    )
    .option('--tenant <name>', 'whose key it is; default: a key for all tenants')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys add --file codec-keys --tenant acme')
    .action(({ tenant, json }: Json & { tenant?: string }, command: Command) => {
      const owner = tenant === undefined ? null : tenantNameOf('--tenant', tenant);
      const { file, key, before } = added(writableFileOf(command), owner);
      const now = encrypts(readKeysFile(file)!, key);
      if (json) printJson({ file, id: key.id, encrypts: now });
      else
        say(
          `${file} holds the key ` +
            `${nameOf(key)}${now ? ', which encrypts' : ''}${
              before === 0 ? '' : `${now ? ',' : ''} beside ` + `${before} before it`
            }; ` +
            RESTART,
        );
    });
  keys
    .command('use')
    .description('let this key encrypt from now on: for its tenant, or for all')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys use 2026-11-25-3f9c2a')
    .action((id: string, { json }: Json, command: Command) => {
      const file = writableFileOf(command);
      writeKeysFile(file, withCurrent(existing(file), id));
      if (json) printJson({ file, current: id });
      else say(`${id} encrypts; ${RESTART}`);
    });
  keys
    .command('owner')
    .description(
      'make a key with which the data owner seals names of files and columns and messages of failures; it stays on ' +
        'his side',
    )
    .requiredOption('--tenant <name>', 'whose key it is')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nThe file is that of RAPT_OWNER_KEYS_FILE, else of the local stack, unless --file names another. A later ' +
        'key seals once `rapt keys use ID --file FILE` says so.\nExample: rapt keys owner --tenant acme --file ' +
        'owner-keys',
    )
    .action(({ tenant, json }: Json & { tenant: string }, command: Command) => {
      tenantNameOf('--tenant', tenant);
      const file = command.optsWithGlobals<{ file?: string }>().file ?? ownerKeysFile();
      assertFile('--file', file, { makesFolders: true });
      const { key } = added(file, tenant);
      const now = encrypts(readKeysFile(file)!, key);
      if (json) printJson({ file, id: key.id, seals: now });
      else
        say(
          `${file} holds the owner key ${nameOf(key)}${now ? ', which seals' : ''}; ${RESTART}, and no process of ` +
            "the provider's may have it",
        );
    });
  keys
    .command('split')
    .description(
      'write the keys of one tenant into two folders, one for the provider and one for the data owner, and make ' +
        'those that are missing',
    )
    .requiredOption('--tenant <name>', 'whose keys they are')
    .requiredOption('--out <folder>', 'gets provider/codec-keys, owner/codec-keys and owner/owner-keys')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nKeys that --file (or RAPT_CODEC_KEYS_FILE) holds of the tenant are taken over; those of others, and of ' +
        'all, are not. Owner keys in the folder stay.\nExample: rapt keys split --tenant acme --out keys',
    )
    .action(({ tenant, out, json }: Json & { tenant: string; out: string }, command: Command) => {
      tenantNameOf('--tenant', tenant);
      const written = split(tenant, out, readKeysFile(fileOf(command)));
      if (json) printJson({ tenant, ...written });
      else
        say(
          `${written.provider}: RAPT_CODEC_KEYS_FILE of control and GPU workers\n${written.client}: ` +
            `RAPT_CODEC_KEYS_FILE of client workers, command and codec server\n${written.owner}: their ` +
            'RAPT_OWNER_KEYS_FILE, which the provider must not get',
        );
    });
  keys
    .command('merge')
    .description(
      'put the keys of several files into one, as control and GPU workers need them who serve several tenants',
    )
    .argument('<files...>')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nWhat the file of --file (or RAPT_CODEC_KEYS_FILE) holds stays, and stands first.\nExample: rapt keys ' +
        'merge acme/codec-keys other/codec-keys --file codec-keys',
    )
    .action((files: string[], { json }: Json, command: Command) => {
      const file = writableFileOf(command);
      const before = readKeysFile(file);
      const keyring = merged([...(before === null ? [] : [before]), ...files.map(existing)]);
      writeKeysFile(file, keyring);
      if (json) printJson({ file, ids: keyring.map(({ id }) => id), tenants: tenantsOf(keyring) });
      else
        say(`${file} holds ${keyring.length} keys, of ${tenantsOf(keyring).join(', ') || 'all tenants'}; ${RESTART}`);
    });
}

/** For its tenant, or for all. */
const encrypts = (keyring: Keyring, { id, tenant }: CodecKey): boolean => keyFor(keyring, tenant ?? null)?.id === id;

function added(file: string, tenant: string | null): { file: string; key: CodecKey; before: number } {
  const key = newKey(tenant);
  const keyring = readKeysFile(file);
  writeKeysFile(file, withKey(keyring, key));
  return { file, key, before: keyring?.length ?? 0 };
}

function split(
  tenant: string,
  out: string,
  known: Keyring | null,
): { provider: string; client: string; owner: string } {
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
