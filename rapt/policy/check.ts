/** Whether a request keeps to the owner's policy. One sentence a problem, each with the way out. No sentence holds a
 *  cell of a table. */
import {
  DEFAULT_ETA,
  type Budget,
  type Guarantee,
  type InputProblem,
  type PredictInput,
  type TuningConfig,
} from '../../contracts/index.ts';
import { splitApart } from '../data/index.ts';
import { parseHubName } from '../hub/index.ts';
import { liesIn, Place, readFor, whereIs } from './location.ts';
import { rulesOf, unknownName, type Policy, type TableRule } from './policy.ts';
import { columnProblems, labelProblems, mechanismProblems, WAY_OUT } from './rule-problems.ts';

const ALIAS = /^table:\/\/(.+)$/;

/** A request that the policy allows, and what it allows of it. */
export interface Allowed {
  readonly problems: readonly InputProblem[];
  /** The rules of all files that the tables could be read from; those of `data.train` first. */
  readonly rules: readonly TableRule[];
  readonly isPublic: boolean;
  /** Whether a rule lets labels leave by randomized response alone. */
  readonly protectsLabels: boolean;
  /** The budgets that hold for it. */
  readonly budget: Budget;
}

interface NamedTable {
  readonly field: string;
  readonly table: string;
}

/** Names of tables by the policy's own, "table://reviews", turned into where they lie; what the policy does not name
 *  stays. */
export function withTables(policy: Policy, config: TuningConfig): TuningConfig {
  const { train, test, ...data } = config.data;
  const [trainTable, testTable] = [placeOf(policy, train), test === undefined ? undefined : placeOf(policy, test)];
  return { ...config, data: { ...data, train: trainTable, ...(testTable !== undefined && { test: testTable }) } };
}

/** Where a table lies that is named "table://NAME"; any other name as it is. */
export function placeOf({ tables }: Policy, name: string): string {
  const [, alias] = ALIAS.exec(name) ?? [];
  return (alias === undefined ? undefined : tables.find((rule) => rule.name === alias)?.table) ?? name;
}

/** What can be said of a run before any table is read. @param config with its tables' places (`withTables`). */
export async function tuningAllowed(policy: Policy, config: TuningConfig): Promise<Allowed> {
  const { data, privacy, backbone, audit } = config;
  const tables: NamedTable[] = [
    { field: 'data.train', table: data.train },
    ...(data.test === undefined ? [] : [{ field: 'data.test', table: data.test }]),
  ];
  const wanted = (rule: TableRule): InputProblem[] => [
    ...columnProblems('data.textColumn', rule.text, [data.textColumn]),
    ...columnProblems('data.pairColumn', rule.pair, data.pairColumn === undefined ? [] : [data.pairColumn]),
    ...columnProblems('data.labelColumn', rule.label, [data.labelColumn]),
    ...columnProblems('data.attributeColumns', rule.attributes, data.attributeColumns),
    ...mechanismProblems(rule, privacy.mechanism, etaOf(privacy)),
    ...labelProblems(rule, privacy.labelEpsilon),
  ];
  const { problems, rules } = await ruledTables(policy, tables, wanted);
  if (audit.publicText !== undefined && !(await someLieIn(audit.publicText, policy.publicTexts)))
    problems.push({
      where: 'audit.publicText',
      problem:
        "is a file that the owner's policy does not take for public text; add it to publicTexts of policy.yaml on " +
        "the client's machine",
    });
  if (!namedBackbone(policy, backbone) && !policy.backbones.some((name) => name.startsWith('sha256:')))
    problems.push(strangeBackbone());
  return allowed(policy, problems, rules);
}

/** Null when the eta is not known before it is chosen. */
function etaOf({ mechanism, eta, targetUnchanged }: TuningConfig['privacy']): number | null {
  return mechanism === 'none' || targetUnchanged !== undefined ? null : (eta ?? DEFAULT_ETA[mechanism]);
}

export interface FoundOut {
  readonly classes: readonly string[];
  /** Rows of each class, in all rows of the training table: of a part that the request chooses they would tell of
   *  single labels. */
  readonly classRows: readonly number[];
  /** Null where nothing is hidden. */
  readonly eta: number | null;
  readonly mechanism: Guarantee['mechanism'];
  readonly backboneSha256: string;
}

/** What can be said only once the tables were read, the backbone found and eta chosen; still before anything is
 *  reserved. Fields that are left out are not looked at. */
export function foundProblems(
  policy: Policy,
  rules: readonly TableRule[],
  backbone: string,
  found: Partial<FoundOut>,
): InputProblem[] {
  const problems: InputProblem[] = [];
  const { classes, classRows, mechanism, eta = null, backboneSha256 } = found;
  const mostClasses = Math.min(...rules.map((rule) => rule.mostClasses));
  if (classes !== undefined && classes.length > mostClasses)
    problems.push({
      where: 'data.labelColumn',
      problem:
        `has ${classes.length} classes, whose names leave as they are, and the owner's policy allows ${mostClasses} ` +
        '(mostClasses)',
    });
  const smallestClass = Math.max(...rules.map((rule) => rule.smallestClass));
  const small = classRows?.filter((count) => count < smallestClass).length ?? 0;
  if (small > 0)
    problems.push({
      where: 'data.labelColumn',
      problem:
        `has ${small} ${small === 1 ? 'class' : 'classes'} of fewer than ${smallestClass} rows, and class names ` +
        'leave as they are; join small classes, or set smallestClass of the table in policy.yaml',
    });
  if (mechanism !== undefined && eta !== null)
    for (const one of rules) problems.push(...mechanismProblems(one, mechanism, eta));
  if (
    backboneSha256 !== undefined &&
    !namedBackbone(policy, backbone) &&
    !policy.backbones.includes(`sha256:${backboneSha256}`)
  )
    problems.push(strangeBackbone());
  return problems;
}

/** @param asked of the owner's own record of the run that is asked: by which mechanism and eta the texts would leave.
 *  @param request with its table's place (`placeOf`). */
export async function predictionAllowed(
  policy: Policy,
  request: PredictInput,
  asked: {
    readonly mechanism: Guarantee['mechanism'];
    readonly eta: number | null;
    readonly columns: {
      readonly text: string;
      readonly pair?: string | undefined;
      readonly label?: string | undefined;
    };
  },
): Promise<Allowed> {
  const { columns, mechanism, eta } = asked;
  const wanted = (rule: TableRule): InputProblem[] => [
    ...columnProblems('textColumn', rule.text, [columns.text]),
    ...columnProblems('pairColumn', rule.pair, columns.pair === undefined ? [] : [columns.pair]),
    ...columnProblems('labelColumn', rule.label, columns.label === undefined ? [] : [columns.label]),
    ...mechanismProblems(rule, mechanism, eta),
  ];
  const { problems, rules } = await ruledTables(policy, [{ field: 'in', table: request.in }], wanted);
  if (
    !(await someLieIn(
      request.out,
      policy.answers.map((folder) => (folder.endsWith('/') ? folder : `${folder}/`)),
    ))
  )
    problems.push({
      where: 'out',
      problem:
        "is outside of the folders that the owner's policy lets answers be written to; add its folder to answers " +
        "of policy.yaml on the client's machine",
    });
  return allowed(policy, problems, rules);
}

function allowed({ budgets }: Policy, problems: readonly InputProblem[], rules: readonly TableRule[]): Allowed {
  const isPublic = rules.length > 0 && rules.every((rule) => rule.public);
  const { labels, ...etas } = budgets;
  // Labels that leave as they are by the owner's word have no epsilon that could be summed; one table that protects its
  // own is enough.
  const protectsLabels = rules.some((rule) => rule.labels !== 'plain');
  return {
    problems,
    rules,
    isPublic,
    protectsLabels,
    budget: { ...etas, ...(labels !== undefined && protectsLabels && { labels }) },
  };
}

/** The rule of each file that a table could be read from: the narrowest rule wins, and a wider folder's rule never
 *  allows a file or a part of a folder that has its own. Of several rules of one place, the one that objects least. */
async function ruledTables(
  policy: Policy,
  tables: readonly NamedTable[],
  wanted: (rule: TableRule) => InputProblem[],
): Promise<{ problems: InputProblem[]; rules: TableRule[] }> {
  const known = await Promise.all(
    rulesOf(policy).map(async (rule) => ({ rule, place: await Place.of(rule.table), objections: wanted(rule) })),
  );
  known.sort((a, b) => b.place.depth - a.place.depth || a.objections.length - b.objections.length);
  const problems: InputProblem[] = [];
  const rules = new Set<TableRule>();
  for (const { field, table } of tables) {
    if (unknownName(policy, table) !== null) {
      problems.push({
        where: field,
        problem:
          "is a name that no table of the owner's policy has; `rapt policy show` on the client's machine lists them",
      });
      continue;
    }
    const ruleOf = async (file: string): Promise<(typeof known)[number] | undefined> => {
      const where = await whereIs(file);
      return known.find(({ place }) => place.has(where));
    };
    const found = new Set([(await ruleOf(table)) ?? (await ruleOf(splitApart(table)?.folder ?? table))]);
    // Do not list a folder that the requester may not use.
    if (!found.has(undefined)) for (const file of await readFor(table)) found.add(await ruleOf(file));
    if (found.has(undefined))
      problems.push({ where: field, problem: `is not among the tables of the owner's policy; ${WAY_OUT}` });
    for (const one of found) {
      if (one === undefined) continue;
      rules.add(one.rule);
      // Train and test tables of one rule are told of once.
      for (const objection of one.objections)
        if (!problems.some(({ where, problem }) => where === objection.where && problem === objection.problem))
          problems.push(objection);
    }
  }
  return { problems, rules: [...rules] };
}

/** A model may be made so that words which must not be told apart lie far apart: so the owner names those that
 *  distances may be measured in. */
const strangeBackbone = (): InputProblem => ({
  where: 'backbone',
  problem: `is not among the backbones of the owner's policy; ${WAY_OUT}`,
});

const namedBackbone = ({ backbones }: Policy, name: string): boolean =>
  backbones.includes(name) || (backbones.includes('public') && parseHubName(name) !== null);

async function someLieIn(path: string, places: readonly string[]): Promise<boolean> {
  for (const place of places) if (await liesIn(path, place)) return true;
  return false;
}
