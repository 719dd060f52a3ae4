/** policy: what may leave this machine, whoever asks for it. */
import { existsSync, readFileSync, statSync, writeFileSync, renameSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { BadInput, DEFAULT_ETA, type TuningConfig } from '../../contracts/index.ts';
import { sourceOf } from '../../rapt/data/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { newPolicyText, policyFile, readPolicy, ruleFor, withAnswers, withRule, type NewRule, type Policy, type TableRule } from '../../rapt/policy/index.ts';
import { makeFolder, withFileLock } from '../../system/index.ts';
import { loadConfig } from '../config.ts';
import { collect, MECHANISMS, numberOf, type NoisyMechanism } from '../options.ts';
import { print, printJson, say, table } from '../output.ts';
import { datasetAddress } from '../paths.ts';
import { policyProblems } from '../policy-check.ts';

interface AllowOptions {
  readonly file?: string;
  readonly set: string[];
  readonly name?: string;
  readonly textColumn: string;
  readonly pairColumn?: string;
  readonly labelColumn: string;
  readonly mechanism?: NoisyMechanism;
  readonly eta?: string;
  readonly labelEpsilon?: string;
  readonly none?: true;
  readonly public?: true;
  readonly answers?: string;
  readonly json?: true;
}

export function addPolicyCommands(program: Command): void {
  const policy = program
    .command('policy')
    .description("what the client does for those who are not at its machine: the Temporal UI, CI jobs, schedules. A run that is started here by `rapt run` carries the owner's own word")
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
    .description("add a table to the policy: that of a configuration, with its columns, mechanism, eta and backbone; or one that is named here")
    .argument('[table]', 'a file; a folder, and all tables below it; or an s3:// address')
    .option('-f, --file <path>', 'the configuration of the runs that are to be allowed')
    .option('--set <field=value>', 'change one setting of it; may be repeated', collect, [])
    .option('--name <name>', 'under which requests may name the table as table://NAME, and tell no path')
    .option('--text-column <name>', 'of a table that is named here', 'text')
    .option('--pair-column <name>', 'second text of a pair task')
    .option('--label-column <name>', 'whose values leave as class names', 'label')
    .addOption(new Option('--mechanism <name>', 'default: exponential').choices(MECHANISMS))
    .option('--eta <number>', "largest eta; default: the mechanism's")
    .option('--label-epsilon <number>', 'labels leave by randomized response alone, under at most this; "plain" lets them leave as they are; default: as the configuration says, else as the policy says, else plain')
    .option('--none', 'the texts may leave as they are, for a baseline')
    .option('--public', "the texts are nobody's secret, and count against no budget of the policy")
    .option('--answers <folder>', 'predictions may write their answers to files in this folder; needs no table beside it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy allow -f tuning.yaml --name reviews\n         rapt policy allow /data/notes/ --text-column note --label-column ward --eta 12 --label-epsilon 3')
    .action(allow);
  policy
    .command('show')
    .description('what the policy allows')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy show')
    .action(({ json }: { json?: true }) => show(readPolicy(clientHome()), json));
  policy
    .command('check')
    .description('whether the policy allows a configuration; exit code 2 and a sentence for each reason when it does not')
    .argument('[file]', 'configuration in JSON or YAML; "-" reads standard input')
    .option('-f, --file <path>', 'the same')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt policy check tuning.yaml')
    .action(check);
}

function init({ force, json }: { force?: true; json?: true }): void {
  const path = policyFile(clientHome());
  if (existsSync(path) && !force) throw new BadInput([{ where: path, problem: 'exists; edit it, or give --force to replace it' }]);
  write(path, newPolicyText());
  if (json) printJson({ policy: path });
  else say(`${path} is written. \`rapt policy allow -f tuning.yaml\` adds a table`);
}

async function allow(named: string | undefined, options: AllowOptions): Promise<void> {
  const { file, answers, json } = options;
  if (named !== undefined && file !== undefined) throw new BadInput([{ where: 'rapt policy allow', problem: 'give either a configuration by -f, or a table' }]);
  if (named === undefined && file === undefined && answers === undefined)
    throw new BadInput([{ where: 'rapt policy allow', problem: 'give a configuration by -f, or a table, or a folder by --answers' }]);
  const { rules, backbone } = await rulesToAdd(named, options);
  const folder = answers === undefined ? null : answersFolder(answers);
  const path = policyFile(clientHome());
  // Whoever adds a table at the same time reads what this one wrote.
  const policy = await withFileLock(`${path}.lock`, () => {
    let text = existsSync(path) ? readFileSync(path, 'utf8') : null;
    for (const rule of rules) ({ text } = withRule(text, path, rule, backbone));
    if (folder !== null) ({ text } = withAnswers(text, path, folder));
    write(path, text!);
    return Promise.resolve(readPolicy(clientHome()));
  });
  if (json) {
    printJson({ policy: path, tables: policy.tables, answers: policy.answers });
    return;
  }
  say(`${path} allows now:`);
  show(policy);
  for (const note of notes(policy, rules)) say(`note: ${note}`);
}

async function rulesToAdd(named: string | undefined, options: AllowOptions): Promise<{ rules: NewRule[]; backbone?: string }> {
  const { file, set } = options;
  if (named !== undefined) return { rules: [await ruleOf(named, options)] };
  return file === undefined ? { rules: [] } : rulesOfFile(await loadConfig({ file, set }, true), options);
}

/** @throws BadInput when there is no such folder: a worker makes none. */
function answersFolder(named: string): string {
  const folder = resolve(named);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new BadInput([{ where: '--answers', problem: `${folder} is no folder; make it, or name another` }]);
  return folder;
}

/** What the owner may not expect of what was just allowed. */
function notes({ tables, budgets: { perText } }: Policy, added: readonly NewRule[]): string[] {
  const beyond = tables.filter(({ eta, public: isPublic }) => !isPublic && perText !== undefined && Math.max(eta.exponential ?? 0, eta.laplace ?? 0) > perText);
  const unsaid = added.flatMap((rule) => (rule.labels === undefined ? rule.table : []));
  const stillProtected = tables.filter(({ table: known, labels }) => unsaid.includes(known) && labels !== 'plain');
  return [
    ...beyond.map((rule) => `one release of ${rule.table} may cost more than the budget of eta ${perText} for a text; raise budgets.perText in the policy, or lower the eta`),
    ...stillProtected.map((rule) => `labels of ${rule.table} leave by randomized response alone, as before: a run must set privacy.labelEpsilon to at most ${rule.labels}, or give \`--label-epsilon plain\` to let them leave as they are`),
  ];
}

async function ruleOf(named: string, { name, textColumn, pairColumn, labelColumn, mechanism = 'exponential', eta, labelEpsilon, ...flags }: AllowOptions): Promise<NewRule> {
  const address = datasetAddress(named);
  const found = await sourceOf(address).stat(address);
  if (found === null && !named.endsWith('/')) throw new BadInput([{ where: named, problem: 'does not exist; name a table, a folder, or with a slash at its end a part of a bucket' }]);
  return {
    table: found?.kind === 'folder' || named.endsWith('/') ? `${address.replace(/\/+$/, '')}/` : address,
    ...(name !== undefined && { name }),
    text: [textColumn],
    pair: pairColumn === undefined ? [] : [pairColumn],
    label: [labelColumn],
    eta: { [mechanism]: numberOf('--eta', eta) ?? DEFAULT_ETA[mechanism] },
    ...labelsOf(labelEpsilon),
    ...flagsOf(flags),
  };
}

async function rulesOfFile(config: TuningConfig, { name, mechanism, eta, labelEpsilon, ...flags }: AllowOptions): Promise<{ rules: NewRule[]; backbone: string }> {
  const { data: { train, test }, backbone, privacy } = config;
  const rule = ruleFor(config, numberOf('--eta', eta) ?? (await etaOf(config)));
  const widened: NewRule = {
    ...rule,
    ...(mechanism !== undefined && { eta: { ...rule.eta, [mechanism]: numberOf('--eta', eta) ?? DEFAULT_ETA[mechanism] } }),
    ...labelsOf(labelEpsilon),
    ...(privacy.mechanism === 'none' && { none: true }),
    ...flagsOf(flags),
  };
  const tables = [{ ...widened, table: train, ...(name !== undefined && { name }) }, ...(test === undefined ? [] : [{ ...widened, table: test }])];
  return { rules: tables, backbone };
}

const labelsOf = (given: string | undefined): Partial<TableRule> =>
  given === undefined ? {} : { labels: given === 'plain' ? 'plain' : numberOf('--label-epsilon', given)! };

const flagsOf = ({ none, public: isPublic }: { none?: true; public?: true }): Partial<TableRule> => ({ ...(none && { none }), ...(isPublic && { public: true }) });

/** The eta of a configuration; where it is to be chosen on the public table, that which is chosen, rounded up. */
async function etaOf({ privacy: { mechanism, eta, targetUnchanged }, backbone: name }: TuningConfig): Promise<number | null> {
  if (mechanism === 'none' || targetUnchanged === undefined) return eta ?? null;
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { chooseEta } = await import('../../rapt/privacy/index.ts');
  const chosen = await chooseEta({ name: mechanism, targetUnchanged, ...(await openBackbone(name)) });
  return chosen === null ? null : Math.ceil(chosen * 1000) / 1000;
}

async function check(named: string | undefined, { file = named, set, json }: { file?: string; set: string[]; json?: true }): Promise<void> {
  if (file === undefined) throw new BadInput([{ where: 'rapt policy check', problem: 'needs a configuration' }]);
  const problems = await policyProblems(await loadConfig({ file, set }, true));
  if (json) printJson({ allowed: problems.length === 0, problems });
  if (problems.length > 0) throw new BadInput(problems);
  if (!json) say('the policy allows it');
}

function show({ tables, backbones, budgets, answers, publicTexts }: Policy, json?: true): void {
  if (json) {
    printJson({ tables, backbones, budgets, answers, publicTexts });
    return;
  }
  const etas = ({ eta, none }: TableRule): string => [...Object.entries(eta).map(([name, largest]) => `${name} up to ${largest}`), ...(none ? ['without noise'] : [])].join(', ');
  print(table([
    ['table', 'text', 'label', 'mechanisms', 'labels', ''],
    ['movie-reviews', 'text', 'label', 'exponential, laplace', 'as they are', 'public, built in'],
    ...tables.map((rule) => [rule.name === undefined ? rule.table : `${rule.table} (table://${rule.name})`, [...rule.text, ...rule.pair].join(', '), rule.label.join(', '), etas(rule), rule.labels === 'plain' ? 'as they are' : `epsilon up to ${rule.labels}`, rule.public ? 'public' : '']),
  ]));
  const limit = (value: number | undefined, what: string): string => (value === undefined ? 'not limited' : `${what} ${value}`);
  print('');
  print(table([
    ['backbones', backbones.join(', ')],
    ['budget', `a text ${limit(budgets.perText, 'eta')}, the tenant ${limit(budgets.perTenant, 'eta')}, labels ${limit(budgets.labels, 'epsilon')}`],
    ['answers go to', answers.join(', ') || 'nowhere'],
    ['public texts', publicTexts.join(', ') || 'none'],
  ]));
}

/** Readers see the old file or the new one. A folder that others may write to would be theirs to rule. */
function write(path: string, text: string): void {
  makeFolder(dirname(path), 0o700);
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o600;
  writeFileSync(`${path}.part`, text, { mode });
  renameSync(`${path}.part`, path);
}
