/** policy allow: a table is added to the policy. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { BadInput } from '../../../contracts/index.ts';
import { clientHome } from '../../../rapt/home.ts';
import {
  changePolicy,
  parsePolicy,
  policyFile,
  policyText,
  readPolicy,
  ruleOfPlace,
  withAnswers,
  withRule,
  type NewRule,
  type Policy,
} from '../../../rapt/policy/index.ts';
import { collect } from '../../options/common-options.ts';
import { MECHANISMS } from '../../options/values.ts';
import { assertOptions, type AllowOptions } from '../../policy/allow-options.ts';
import { notesOn } from '../../policy/notes.ts';
import { rulesToAdd } from '../../policy/rules-to-add.ts';
import { policyAsJson, policyTables } from '../../policy/shown.ts';
import { print, printJson, say } from '../../terminal/output.ts';

const DESCRIPTION =
  'add a table to the policy: that of a configuration, with its columns, mechanism, eta and backbone; ' +
  'or one that is named here';
const LABEL_EPSILON =
  'labels leave by randomized response alone, under at most this; "plain" lets them leave as they are; ' +
  'default: as the configuration says, else as the policy says, else plain';
const HELP = `
Example: rapt policy allow -f tuning.yaml --name reviews
         rapt policy allow /data/notes/ --text-column note --label-column ward --eta 12 --label-epsilon 3`;

export function addTo(policy: Command): void {
  policy
    .command('allow')
    .description(DESCRIPTION)
    .argument('[table]', 'a file; a folder, and all tables below it; an s3:// address; or table://NAME of a rule')
    .option('-f, --file <path>', 'the configuration of the runs that are to be allowed')
    .option('--set <field=value>', 'change one setting of it; may be repeated', collect, [])
    .option('--name <name>', 'under which requests may name the table as table://NAME, and tell no path')
    .option('--text-column <name>', 'of a table that is named here; default of a new rule: text')
    .option('--pair-column <name>', 'second text of a pair task, of a table that is named here')
    .option('--label-column <name>', 'whose values leave as class names; default of a new rule: label')
    .addOption(new Option('--mechanism <name>', 'default: exponential').choices(MECHANISMS))
    .option('--eta <number>', "largest eta; default of a new rule: the mechanism's")
    .option('--label-epsilon <number>', LABEL_EPSILON)
    .option('--none', 'the texts may leave as they are, for a baseline')
    .option('--public', "the texts are nobody's secret, and count against no budget of the policy")
    .option(
      '--answers <folder>',
      'predictions may write their answers to files in this folder; needs no table beside it',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(allow);
}

interface Change {
  readonly where: string;
  /** Empty when the policy allowed this before. */
  readonly lines: readonly string[];
}

async function allow(named: string | undefined, options: AllowOptions): Promise<void> {
  const { answers, json } = options;
  assertOptions(named, options);
  const { rules, backbone, asked } = await rulesToAdd(named, options);
  const folder = answers === undefined ? null : answersFolder(answers);
  const path = policyFile(clientHome());
  const changes: Change[] = [];
  await changePolicy(path, () => {
    let text = policyText(path);
    for (const rule of rules) {
      const before = text === null ? { tables: [] } : parsePolicy(text, path);
      assertNameIsFree(before, rule);
      const changed = withRule(text, path, rule, backbone);
      if (changed.changes !== null) changes.push({ where: rule.table, lines: changed.changes });
      ({ text } = changed);
    }
    if (folder !== null) ({ text } = withAnswers(text, path, folder));
    return text!;
  });
  const policy = readPolicy(clientHome());
  if (json) {
    const changed = changes.map(({ where, lines }) => ({ table: where, lines }));
    printJson({ policy: path, changes: changed, ...policyAsJson(policy) });
    return;
  }
  for (const { where, lines } of changes) {
    say(`${where}: ${lines.length === 0 ? 'nothing changes, the policy allowed it before' : 'changed'}`);
    for (const line of lines) say(`  ${line}`);
  }
  say(`${path} allows now:`);
  print(policyTables(policy));
  for (const note of notesOn(policy, rules, options)) say(`note: ${note}`);
  for (const [at, { table: place }] of rules.entries())
    if (asked[at]!.includes('#') && place.endsWith('/'))
      say(`note: a rule is for a whole folder: all splits in ${place} are allowed`);
}

function assertNameIsFree(policy: Pick<Policy, 'tables'>, { name, table: place }: NewRule): void {
  const own = ruleOfPlace(policy, place);
  const other = policy.tables.find((rule) => name !== undefined && rule.name === name && rule !== own);
  if (other !== undefined)
    throw new BadInput([{ where: '--name', problem: `${name} is the name of ${other.table} already; give another` }]);
}

/** @throws BadInput when there is no such folder: a worker makes none. */
function answersFolder(named: string): string {
  const folder = resolve(named);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new BadInput([{ where: '--answers', problem: `${folder} is no folder; make it, or name another` }]);
  return folder;
}
