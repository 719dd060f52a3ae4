/** credentials revoke: a grant is taken back. */
import type { Command } from 'commander';
import { revoke } from '../../../settings/index.ts';
import { roleName } from '../../../storage/index.ts';
import { assertFile } from '../../options/written-files.ts';
import { printJson, say } from '../../terminal/output.ts';
import { grantsFileOf } from './grants-file.ts';

export function addTo(credentials: Command): void {
  credentials
    .command('revoke')
    .description('take a grant back: its token gets no more keys, and those that it has end by themselves')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt credentials revoke 7d0f4c1b52ae')
    .action((id: string, { json }: { json?: true }, command: Command) => {
      const file = grantsFileOf(command);
      assertFile('--grants', file, { makesFolders: true });
      const grant = revoke(file, id);
      if (json) printJson({ revoked: id, role: roleName(grant.role) });
      else say(`the role ${roleName(grant.role)} is no longer granted to ${id}`);
    });
}
