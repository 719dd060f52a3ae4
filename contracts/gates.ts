/** Conditions on what a run measured, such as "accuracy >= 0.7" or "accuracy >= baseline - 0.01". */
import { z } from 'zod';

/** The metrics that a gate can be put on, besides `attribute.COLUMN`. A metric without a value in a run misses its
 *  gate, such as an attack that was left out. */
export const GATE_METRICS = [
  'accuracy',
  'f1',
  'unchangedRate',
  'reconstructionAccuracy',
  'inversion',
  'inversionTop10',
  'bayes',
  'bayesTop10',
  'learned',
  'learnedTop10',
  'context',
  'masked',
  // Medians over token types of N_w and S_w.
  'staysItself',
  'differentOutputs',
] as const;
const isGateMetric = (name: string): boolean =>
  (GATE_METRICS as readonly string[]).includes(name) || /^attribute\../.test(name);

export type Comparison = '>=' | '<=' | '>' | '<' | '==';

export interface GateCondition {
  readonly comparison: Comparison;
  /** What `offset` is added to: nothing, or the same metric of the baseline run. */
  readonly against: 'zero' | 'baseline';
  readonly offset: number;
}

const NUMBER = String.raw`\d+(?:\.\d+)?(?:e-?\d+)?`;
const GATE_CONDITION = new RegExp(
  String.raw`^\s*(>=|<=|>|<|==)\s*(?:(-?${NUMBER})|baseline(?:\s*([+-])\s*(${NUMBER}))?)\s*$`,
  'i',
);

/** Null when the text is not a condition. */
export function parseGateCondition(text: string): GateCondition | null {
  const [, comparison, number, sign, distance = '0'] = GATE_CONDITION.exec(text) ?? [];
  if (comparison === undefined) return null;
  // The expression has no other comparisons.
  const against = {
    comparison: comparison as Comparison,
    against: number === undefined ? 'baseline' : 'zero',
  } as const;
  return { ...against, offset: number === undefined ? Number(`${sign ?? '+'}${distance}`) : Number(number) };
}

const condition = z.string().regex(GATE_CONDITION, 'write a condition such as ">=0.7" or ">= baseline - 0.01"');

/** Metric to condition, or to several that must all hold. */
export const gatesSchema = z
  .record(z.string(), z.union([condition, z.array(condition)]))
  .superRefine((gates, context) => {
    for (const name of Object.keys(gates))
      if (!isGateMetric(name))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `is not a metric; a gate can be put on ${GATE_METRICS.join(', ')} and attribute.COLUMN`,
        });
  });
export type Gates = z.output<typeof gatesSchema>;

/** The single conditions, in the order in which they were written. */
export const conditionsOf = (gates: Gates): { readonly metric: string; readonly condition: string }[] =>
  Object.entries(gates).flatMap(([metric, conditions]) =>
    [conditions].flat().map((condition) => ({ metric, condition })),
  );

/** The name of a gate in results: "accuracy>=baseline-0.01". */
export const gateName = (metric: string, condition: string): string => `${metric}${condition.replaceAll(/\s/g, '')}`;

/** The metrics whose bound comes from the baseline run. */
export const metricsAgainstBaseline = (gates: Gates): string[] => [
  ...new Set(
    conditionsOf(gates).flatMap(({ metric, condition }) =>
      parseGateCondition(condition)?.against === 'baseline' ? [metric] : [],
    ),
  ),
];
