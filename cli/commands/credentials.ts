/** credential-server and credentials: who may do what in the object store, with keys that end. */
import { once } from 'node:events';
import { InvalidArgumentError, type Command } from 'commander';
import { BadInput } from '../../contracts/index.ts';
import {
  grantNew,
  grantsFile,
  grantsIn,
  knownLenderSecret,
  lenderFile,
  lenderSecret,
  readGrants,
  resolveAdministration,
  revoke,
  writeTokenFile,
} from '../../settings/index.ts';
import {
  createIssuer,
  createMinioStore,
  CREDENTIALS_PATH,
  ensureLender,
  findLenders,
  grantId,
  parseRole,
  removeLender,
  roleName,
  startCredentialServer,
  type Lending,
  type Role,
} from '../../storage/index.ts';
import { addListenOptions, listeningOf, type ListenOptions } from '../options/listening.ts';
import { print, printJson, say, table } from '../terminal/output.ts';
import { assertFile } from '../options/written-files.ts';

/** MinIO's least. A week is the most that it issues. */
const LEAST_MINUTES = 15;
const MOST_MINUTES = 7 * 24 * 60;

const SERVER_HELP = `
It has the keys that may do everything, from RAPT_S3_ACCESS_KEY_FILE and RAPT_S3_SECRET_KEY_FILE, else those of the
local stack; nobody else needs them.
Issuers for one bucket share the file that RAPT_S3_LENDER_FILE names.
Tokens come from \`rapt credentials grant\`. It speaks the protocol of AWS's container credentials.
Example: rapt credential-server --listen 127.0.0.1:8235 --minutes 30`;
const LENDERS_HELP = `
An issuer removes its own of before when it starts, and leaves those of other issuers alone.
Example: rapt credentials lenders`;

export function addCredentialCommands(program: Command): void {
  addListenOptions(program.command('credential-server'), '127.0.0.1:8235')
    .description(
      'give each worker short-lived keys for the object store that may do what its role needs; run it on the ' +
        "provider's side",
    )
    .option('--grants <file>', 'file of the grants; default: RAPT_S3_GRANTS_FILE, else that of the local stack')
    .option('--minutes <n>', 'how long issued keys hold', minutes, 60)
    .addHelpText('after', SERVER_HELP)
    .action(
      async ({
        grants: file = grantsFile(),
        minutes: duration,
        ...options
      }: ListenOptions & { grants?: string; minutes: number }) => {
        (await import('../../workers/last-words.ts')).endOnUnheardErrors();
        const administration = resolveAdministration();
        const { endpoint, bucket, region } = administration;
        // Those who ask may not make it.
        await createMinioStore(administration).ensureBucket();
        const lending = await ensureLender(administration, lenderSecret(lenderFile()));
        sayWhoLends(lending);
        const keys = lending?.keys ?? administration;
        const issue = createIssuer({ endpoint, bucket, region, keys, durationSeconds: duration * 60 });
        const server = await startCredentialServer({
          ...listeningOf(options),
          issue,
          grants: () => grantsIn(file),
          say,
        });
        print(`credential server ready: ${server.url}${CREDENTIALS_PATH}`);
        await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
        await server.close();
      },
    );

  const credentials = program
    .command('credentials')
    .description('who gets which keys for the object store from `rapt credential-server`')
    .option('--grants <file>', 'file of the grants; default: RAPT_S3_GRANTS_FILE, else that of the local stack')
    .addHelpText(
      'after',
      '\nA token stands for one role. To replace one: grant another, bring it to the worker, revoke the ' +
        'old.\nExample: rapt credentials list',
    );
  credentials
    .command('list', { isDefault: true })
    .description('the grants: their ids and roles')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt credentials list')
    .action(({ json }: { json?: true }, command: Command) => {
      const file = fileOf(command);
      const grants = readGrants(file).map((grant) => ({ id: grantId(grant), role: roleName(grant.role) }));
      if (json) printJson({ file, grants });
      else if (grants.length === 0) say(`${file} holds no grants; \`rapt credentials grant\` makes one`);
      else for (const { id, role } of grants) print(`${id}  ${role}`);
    });
  credentials
    .command('grant')
    .description('grant a role to a new token, and print the token or write it to a file; it is kept nowhere else')
    .argument('<role>', 'client, gpu or operator')
    .option('--tenant <name>', 'tenant of a client')
    .option('--out <file>', 'file for the token, readable by its owner alone')
    .option('--json', 'print one JSON object, with the token unless it goes to a file')
    .addHelpText('after', '\nExample: rapt credentials grant client --tenant acme --out acme.token')
    .action((kind: string, { tenant, out, json }: { tenant?: string; out?: string; json?: true }, command: Command) => {
      const file = fileOf(command);
      assertFile('--grants', file, { makesFolders: true, inPlace: true });
      assertFile('--out', out, { makesFolders: true });
      let granted: string | null = null;
      const keep = json ? (token: string) => void (granted = token) : print;
      const grant = grantNew(
        file,
        roleOf(kind, tenant),
        out === undefined ? keep : (token) => writeTokenFile(out, token),
      );
      if (json) printJson({ file, id: grantId(grant), role: roleName(grant.role), token: granted });
      else
        say(
          `${file} grants the role ${roleName(grant.role)} to ` +
            `${out === undefined ? 'this token' : `the token in ${out}`} (grant ${grantId(grant)})`,
        );
    });
  credentials
    .command('revoke')
    .description('take a grant back: its token gets no more keys, and those that it has end by themselves')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt credentials revoke 7d0f4c1b52ae')
    .action((id: string, { json }: { json?: true }, command: Command) => {
      const file = fileOf(command);
      assertFile('--grants', file, { makesFolders: true });
      const grant = revoke(file, id);
      if (json) printJson({ revoked: id, role: roleName(grant.role) });
      else say(`the role ${roleName(grant.role)} is no longer granted to ${id}`);
    });
  credentials
    .command('lenders')
    .description("the store's users in whose names keys are lent to the bucket; with the keys that may do everything")
    .option('--remove <name>', 'remove this one: whatever was lent in its name ends at once')
    .option('--json', 'print one JSON object')
    .addHelpText('after', LENDERS_HELP)
    .action(async ({ remove, json }: { remove?: string; json?: true }) => {
      const administration = resolveAdministration();
      if (remove !== undefined) {
        await removeLender(administration, remove);
        if (json) printJson({ removed: remove });
        else say(`removed ${remove}: what was lent in its name has ended`);
        return;
      }
      const lenders = await findLenders(administration, knownLenderSecret(lenderFile()));
      if (json) {
        printJson({ bucket: administration.bucket, ...lenders });
        return;
      }
      const { own, earlier, ofEarlierVersions, ofOthers } = lenders;
      const told = [
        ...(own === null ? [] : [[own, 'of this issuer']]),
        ...earlier.map((name) => [name, 'of this issuer, under another password; ends when it starts again']),
        ...ofEarlierVersions.map((name) => [name, 'of an earlier version; ends when this issuer starts']),
        ...ofOthers.map((name) => [name, 'of another issuer']),
      ];
      if (told.length === 0) say(`nobody lends keys to the bucket ${administration.bucket}`);
      else print(table(told));
    });
}

function sayWhoLends(lending: Lending | null): void {
  if (lending === null) {
    const wayOut = 'see docs/operations.md for what their policy must deny';
    say(`no user of its own can be made with these keys, so that keys are lent in their name: ${wayOut}`);
    return;
  }
  for (const name of lending.ended) say(`removed ${name}, in whose name keys were lent before: what it lent has ended`);
  for (const name of lending.ofOthers) {
    const wayOut = `where there is none any more, \`rapt credentials lenders --remove ${name}\` ends what it lent`;
    say(`another issuer lends keys to this bucket as ${name}; ${wayOut}`);
  }
}

const fileOf = (command: Command): string => command.optsWithGlobals<{ grants?: string }>().grants ?? grantsFile();

function roleOf(kind: string, tenant: string | undefined): Role {
  const role = parseRole(kind === 'client' ? `client ${tenant ?? ''}` : kind);
  if (role !== null && (kind === 'client' || tenant === undefined)) return role;
  if (kind === 'client')
    throw new BadInput([
      {
        where: '--tenant',
        problem: 'must name the tenant: 1 to 40 lower-case letters, digits and hyphens, such as acme-health',
      },
    ]);
  if (role !== null)
    throw new BadInput([{ where: '--tenant', problem: `is for clients; ${kind} works for all tenants` }]);
  throw new BadInput([{ where: kind, problem: 'is no role; they are client, gpu and operator' }]);
}

function minutes(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < LEAST_MINUTES || count > MOST_MINUTES)
    throw new InvalidArgumentError(`It must be a whole number from ${LEAST_MINUTES} to ${MOST_MINUTES}.`);
  return count;
}
