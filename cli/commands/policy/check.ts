/** policy check: a configuration against the policy. */
import type { Command } from 'commander';
import { BadInput } from '../../../contracts/index.ts';
import { collect } from '../../options/common-options.ts';
import { loadConfig } from '../../options/configuration.ts';
import { policyProblems } from '../../policy/check-request.ts';
import { printJson, say } from '../../terminal/output.ts';

interface CheckOptions {
  readonly file?: string;
  readonly set: string[];
  readonly json?: true;
}

const COMMAND = 'rapt policy check';
const DESCRIPTION =
  'whether the policy allows a configuration; exit code 2 and a sentence for each reason when it does not';

export function addTo(policy: Command): void {
  policy
    .command('check')
    .description(DESCRIPTION)
    .argument('[file]', 'configuration in JSON or YAML; "-" reads standard input')
    .option('-f, --file <path>', 'the same')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy check tuning.yaml')
    .action(check);
}

async function check(named: string | undefined, { file = named, set, json }: CheckOptions): Promise<void> {
  if (named !== undefined && named !== file)
    throw new BadInput([{ where: COMMAND, problem: `is given ${named} and ${file}; name one configuration` }]);
  if (file === undefined) throw new BadInput([{ where: COMMAND, problem: 'needs a configuration' }]);
  const problems = await policyProblems(await loadConfig({ file, set }, true));
  if (json) printJson({ allowed: problems.length === 0, problems });
  if (problems.length > 0) throw new BadInput(problems);
  if (!json) say('the policy allows it');
}
