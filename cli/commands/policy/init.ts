/** policy init: a policy to begin with. */
import { lstatSync } from 'node:fs';
import type { Command } from 'commander';
import { BadInput } from '../../../contracts/index.ts';
import { clientHome } from '../../../rapt/home.ts';
import { changePolicy, newPolicyText, policyFile } from '../../../rapt/policy/index.ts';
import { printJson, say } from '../../terminal/output.ts';

export function addTo(policy: Command): void {
  policy
    .command('init')
    .description('write a commented policy that allows the built-in data alone')
    .option('--force', 'replace one that is there')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy init')
    .action(init);
}

async function init({ force, json }: { force?: true; json?: true }): Promise<void> {
  const path = policyFile(clientHome());
  await changePolicy(path, () => {
    // A link to nothing is somebody's as well.
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined && !force)
      throw new BadInput([{ where: path, problem: 'exists; edit it, or give --force to replace it' }]);
    return newPolicyText();
  });
  if (json) printJson({ policy: path });
  else say(`${path} is written. \`rapt policy allow -f tuning.yaml\` adds a table`);
}
