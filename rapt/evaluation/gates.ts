/** Conditions on a run's figures. */
import {
  conditionsOf,
  gateName,
  parseGateCondition,
  type Comparison,
  type GateResult,
  type Gates,
  type ShownAudit,
  type ShownMetrics,
} from '../../contracts/index.ts';

/** Metric to what was measured; null for what was not. */
export type GateValues = Readonly<Record<string, number | null>>;

/** What gates "against the baseline" compare with. */
export interface GateBaseline {
  readonly run: string;
  readonly values: GateValues;
}

const COMPARE: Readonly<Record<Comparison, (value: number, bound: number) => boolean>> = {
  '>=': (value, bound) => value >= bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '<': (value, bound) => value < bound,
  '==': (value, bound) => value === bound,
};

/** Everything of a run that a gate can be put on. */
export function gateValues({
  test,
  unchangedRate,
  audit,
}: {
  test: Pick<ShownMetrics, 'accuracy' | 'f1' | 'reconstruction'>;
  unchangedRate: number | null;
  audit: Partial<ShownAudit> | null;
}): GateValues {
  const { attacks = [], attributes = [], deniability } = audit ?? {};
  const { staysItself, differentOutputs } = deniability ?? {};
  return {
    accuracy: test.accuracy,
    f1: test.f1,
    unchangedRate,
    reconstructionAccuracy: test.reconstruction?.accuracy ?? null,
    ...Object.fromEntries(attacks.map(({ attack, success }) => [attack, success?.value ?? null])),
    ...Object.fromEntries(attributes.map(({ attribute, success }) => [`attribute.${attribute}`, success.value])),
    ...(staysItself && differentOutputs
      ? { staysItself: staysItself.p50, differentOutputs: differentOutputs.p50 }
      : {}),
  };
}

/** Holds values against the conditions. A metric that has none, here or in the baseline, misses its gate.
 *  @param reasons why a metric has no value. */
export function checkGates(
  gates: Gates,
  values: GateValues,
  baseline: GateBaseline | null = null,
  reasons: Readonly<Record<string, string>> = {},
): GateResult[] {
  return conditionsOf(gates).map(({ metric, condition }) => {
    const value = values[metric] ?? null;
    const reason = value === null ? reasons[metric] : undefined;
    const named = { gate: gateName(metric, condition), value, ...(reason !== undefined && { reason }) };
    const parsed = parseGateCondition(condition);
    if (parsed === null) return { ...named, passed: false };
    const { comparison, against, offset } = parsed;
    if (against === 'zero')
      return { ...named, passed: value !== null && COMPARE[comparison](value, offset), bound: offset };
    const reached = baseline?.values[metric] ?? null;
    if (baseline === null || reached === null) return { ...named, passed: false };
    const bound = settle(reached + offset);
    return {
      ...named,
      passed: value !== null && COMPARE[comparison](settle(value), bound),
      bound,
      baseline: { run: baseline.run, value: reached },
    };
  });
}

/** Without what binary fractions add: 0.8 - 0.1 is 0.7000000000000001 to a computer, and 0.7 to whoever wrote the
 *  gate. */
const settle = (value: number): number => Number(value.toPrecision(12));
