/** credentials list: the grants. */
import type { Command } from 'commander';
import { readGrants } from '../../../settings/index.ts';
import { grantId, roleName } from '../../../storage/index.ts';
import { print, printJson, say } from '../../terminal/output.ts';
import { grantsFileOf } from './grants-file.ts';

export function addTo(credentials: Command): void {
  credentials
    .command('list', { isDefault: true })
    .description('the grants: their ids and roles')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt credentials list')
    .action(({ json }: { json?: true }, command: Command) => {
      const file = grantsFileOf(command);
      const grants = readGrants(file).map((grant) => ({ id: grantId(grant), role: roleName(grant.role) }));
      if (json) printJson({ file, grants });
      else if (grants.length === 0) say(`${file} holds no grants; \`rapt credentials grant\` makes one`);
      else for (const { id, role } of grants) print(`${id}  ${role}`);
    });
}
