/** What the owner may not expect of what `rapt policy allow` has just allowed. */
import { labelsInWords, ruleOfPlace, type NewRule, type Policy, type TableRule } from '../../rapt/policy/index.ts';
import { MECHANISMS } from '../options/values.ts';
import type { AllowOptions } from './allow-options.ts';

/** A rule as it was added, and the rule that holds now for its table. */
interface Added {
  readonly rule: NewRule;
  readonly holds: TableRule;
}

/** @param policy as it is now. */
export function notesOn(policy: Policy, rules: readonly NewRule[], options: AllowOptions): string[] {
  const added = rules.map((rule) => ({ rule, holds: ruleOfPlace(policy, rule.table)! }));
  return [
    ...notesOnBudget(policy),
    ...notesOnLabels(added),
    ...widerThanAsked(added, options).map(
      (what) => `${what}, as \`allow\` takes nothing back; edit the policy to narrow it`,
    ),
  ];
}

const notesOnBudget = ({ tables, budgets: { perText } }: Policy): string[] =>
  tables
    .filter(
      ({ eta, public: isPublic }) =>
        !isPublic && perText !== undefined && Math.max(eta.exponential ?? 0, eta.laplace ?? 0) > perText,
    )
    .map(
      (rule) =>
        `one release of ${rule.table} may cost more than the budget of eta ${perText} for a text; ` +
        'raise budgets.perText in the policy, or lower the eta',
    );

const notesOnLabels = (added: readonly Added[]): string[] =>
  added
    .filter(({ rule, holds }) => rule.labels === undefined && holds.labels !== 'plain')
    .map(
      ({ holds }) =>
        `labels of ${holds.table} leave by randomized response alone, as before: ` +
        `a run must set privacy.labelEpsilon to at most ${holds.labels}, ` +
        'or give `--label-epsilon plain` to let them leave as they are',
    );

/** What the policy allowed before beyond that which was given now. */
const widerThanAsked = (added: readonly Added[], { eta, labelEpsilon }: AllowOptions): string[] =>
  added.flatMap(({ rule, holds }) => [
    ...MECHANISMS.filter((name) => eta !== undefined && (holds.eta[name] ?? 0) > (rule.eta?.[name] ?? Infinity)).map(
      (name) => `eta of ${name} of ${holds.table} stays ${holds.eta[name]}`,
    ),
    ...(labelEpsilon !== undefined && holds.labels !== rule.labels
      ? [`labels of ${holds.table} stay at ${labelsInWords(holds.labels)}`]
      : []),
  ]);
