/** Gates on figures that will not be told, which no run could meet: known before a release is paid for. */
import type { InputProblem, TuningConfig } from '../../contracts/index.ts';
import type { Inspection } from '../data/index.ts';
import { LEAST, tooFewRows } from '../evaluation/index.ts';

const OF_TEST_ROWS = ['accuracy', 'f1'] as const;

/** One problem for each such gate. */
export function untoldGates(
  { gates, privacy }: Pick<TuningConfig, 'gates' | 'privacy'>,
  { rows }: Pick<Inspection, 'rows'>,
): InputProblem[] {
  const problems: InputProblem[] = [];
  const refuse = (metric: string, problem: string): void => {
    if (gates[metric] !== undefined) problems.push({ where: `gates.${metric}`, problem });
  };
  if (tooFewRows(rows.test) !== null)
    for (const metric of OF_TEST_ROWS)
      refuse(
        metric,
        `is held against what is told, and of ${rows.test} test rows nothing is told: give at least ${LEAST.rows} ` +
          '(data.testFraction, data.test), or leave the gate out',
      );
  else if (privacy.labelEpsilon !== undefined)
    refuse(
      'f1',
      'is not told where labels are protected (privacy.labelEpsilon); leave the gate out, or put one on accuracy',
    );
  return problems;
}
