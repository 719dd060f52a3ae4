/** What the rule of one table objects to in a request. */
import type { Guarantee, InputProblem } from '../../contracts/index.ts';
import type { TableRule } from './policy.ts';

export const WAY_OUT = "`rapt policy allow` on the client's machine changes that";

/** Columns are named by the request alone: what others the table has, or the policy allows, is told to nobody who
 *  asks. */
export function columnProblems(field: string, allowed: readonly string[], wanted: readonly string[]): InputProblem[] {
  return wanted.some((name) => !allowed.includes(name))
    ? [{ where: field, problem: `is not a column that the owner's policy allows for this; ${WAY_OUT}` }]
    : [];
}

export function mechanismProblems(
  rule: TableRule,
  mechanism: Guarantee['mechanism'],
  eta: number | null,
): InputProblem[] {
  if (mechanism === 'none')
    return rule.none
      ? []
      : [
          {
            where: 'privacy.mechanism',
            problem:
              "is none, and the owner's policy does not let this table leave without noise; take exponential, or set " +
              "none: true for the table in policy.yaml on the client's machine",
          },
        ];
  const largest = rule.eta[mechanism];
  if (largest === undefined)
    return [
      {
        where: 'privacy.mechanism',
        problem: `is ${mechanism}, which the owner's policy does not allow for this table; ${WAY_OUT}`,
      },
    ];
  if (eta !== null && eta > largest)
    return [
      {
        where: 'privacy.eta',
        problem:
          `is ${Number(eta.toPrecision(6))}, and the owner's policy allows ${mechanism} up to ${largest} for this ` +
          `table; ${WAY_OUT}`,
      },
    ];
  return [];
}

export function labelProblems({ labels }: TableRule, epsilon: number | undefined): InputProblem[] {
  if (labels === 'plain') return [];
  if (epsilon === undefined)
    return [
      {
        where: 'privacy.labelEpsilon',
        problem:
          "is needed: the owner's policy lets labels of this table leave by randomized response alone, under at most " +
          `${labels}`,
      },
    ];
  return epsilon > labels
    ? [
        {
          where: 'privacy.labelEpsilon',
          problem: `is ${epsilon}, and the owner's policy allows ${labels} for this table; ${WAY_OUT}`,
        },
      ]
    : [];
}
