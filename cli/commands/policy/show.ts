/** policy show: what the policy allows. */
import type { Command } from 'commander';
import { clientHome } from '../../../rapt/home.ts';
import { readPolicy } from '../../../rapt/policy/index.ts';
import { policyAsJson, policyTables } from '../../policy/shown.ts';
import { print, printJson } from '../../terminal/output.ts';

export function addTo(policy: Command): void {
  policy
    .command('show')
    .description('what the policy allows')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy show')
    .action(({ json }: { json?: true }) => {
      const found = readPolicy(clientHome());
      if (json) printJson(policyAsJson(found));
      else print(policyTables(found));
    });
}
