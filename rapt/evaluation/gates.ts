import { GATE_CONDITION, type GateResult, type TuningConfig } from '../../contracts/index.ts';

const COMPARE: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '>=': (value, bound) => value >= bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '<': (value, bound) => value < bound,
  '==': (value, bound) => value === bound,
};

/** Holds the measured values against the conditions. A metric that was not measured misses its gate. */
export function checkGates(gates: TuningConfig['gates'], values: Readonly<Record<string, number | null>>): GateResult[] {
  return Object.entries(gates).map(([metric, condition]) => {
    const [, comparison = '', bound = ''] = GATE_CONDITION.exec(condition) ?? [];
    const value = values[metric] ?? null;
    return { gate: `${metric}${condition.replaceAll(' ', '')}`, value, passed: value !== null && COMPARE[comparison]?.(value, Number(bound)) === true };
  });
}
