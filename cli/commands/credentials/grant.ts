/** credentials grant: a token for a role. */
import type { Command } from 'commander';
import { BadInput } from '../../../contracts/index.ts';
import { grantNew, writeTokenFile } from '../../../settings/index.ts';
import { grantId, parseRole, roleName, type Role } from '../../../storage/index.ts';
import { assertFile } from '../../options/written-files.ts';
import { print, printJson, say } from '../../terminal/output.ts';
import { grantsFileOf } from './grants-file.ts';

interface GrantOptions {
  readonly tenant?: string;
  readonly out?: string;
  readonly json?: true;
}

export function addTo(credentials: Command): void {
  credentials
    .command('grant')
    .description('grant a role to a new token, and print the token or write it to a file; it is kept nowhere else')
    .argument('<role>', 'client, gpu or operator')
    .option('--tenant <name>', 'tenant of a client')
    .option('--out <file>', 'file for the token, readable by its owner alone')
    .option('--json', 'print one JSON object, with the token unless it goes to a file')
    .addHelpText('after', '\nExample: rapt credentials grant client --tenant acme --out acme.token')
    .action(grantRole);
}

function grantRole(kind: string, { tenant, out, json }: GrantOptions, command: Command): void {
  const file = grantsFileOf(command);
  assertFile('--grants', file, { makesFolders: true, inPlace: true });
  assertFile('--out', out, { makesFolders: true });
  let granted: string | null = null;
  const tell = json ? (token: string) => void (granted = token) : print;
  const keep = out === undefined ? tell : (token: string) => writeTokenFile(out, token);
  const grant = grantNew(file, roleOf(kind, tenant), keep);
  const id = grantId(grant);
  const role = roleName(grant.role);
  if (json) printJson({ file, id, role, token: granted });
  else
    say(`${file} grants the role ${role} to ${out === undefined ? 'this token' : `the token in ${out}`} (grant ${id})`);
}

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
