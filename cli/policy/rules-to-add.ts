/** The rules that `rapt policy allow` adds: for one table, or for the tables of a configuration. */
import { BadInput, DEFAULT_ETA, type TuningConfig } from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import {
  readPolicy,
  ruleFor,
  ruleOfPlace,
  withTables,
  type NewRule,
  type Policy,
  type TableRule,
} from '../../rapt/policy/index.ts';
import { loadConfig } from '../options/configuration.ts';
import { COLUMN_OPTIONS, labelsOf, listed, type AllowOptions } from './allow-options.ts';
import { columnProblems, placeToAllow } from './place.ts';

interface RulesToAdd {
  readonly rules: readonly NewRule[];
  readonly backbone?: string;
  /** For each rule, the table as the user named it. */
  readonly asked: readonly string[];
}

export async function rulesToAdd(named: string | undefined, options: AllowOptions): Promise<RulesToAdd> {
  const { file, set } = options;
  const policy = readPolicy(clientHome());
  if (named !== undefined) return { rules: [await ruleOf(policy, named, options)], asked: [named] };
  if (file === undefined) return { rules: [], asked: [] };
  return rulesOfFile(policy, withTables(policy, await loadConfig({ file, set }, true)), options);
}

/** The rule for one table. Options that are not given have their defaults in a new rule, and change nothing in a rule
 *  that is there. */
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

/** The eta of a configuration. With `targetUnchanged` it is chosen on the public table, and rounded up. */
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
