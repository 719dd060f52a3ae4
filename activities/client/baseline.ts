/** The earlier run that gates compare with, as this client remembers it. */
import { ErrorKind, metricsAgainstBaseline, RaptError, type EarlierRun, type InputProblem, type TuningConfig } from '../../contracts/index.ts';
import { gateValues, type GateBaseline } from '../../rapt/evaluation/index.ts';
import { readRunRecord } from './run-record.ts';

/** Null when the configuration names none. @throws RaptError notFound when this client knows no such run. */
export function readBaseline(home: string, { tenant, baseline }: Pick<TuningConfig, 'tenant' | 'baseline'>): (GateBaseline & EarlierRun) | null {
  if (baseline === undefined) return null;
  const { metrics, privacy, audit } = readRunRecord(home, tenant, baseline).result;
  const values = gateValues({ test: metrics.test, unchangedRate: privacy.unchangedRate, audit });
  return { run: baseline, accuracy: metrics.test.accuracy, values };
}

/** Why the gates cannot be held against the baseline; empty when they can. */
export function baselineProblems(home: string, config: Pick<TuningConfig, 'tenant' | 'baseline' | 'gates'>): InputProblem[] {
  let found: GateBaseline | null;
  try {
    found = readBaseline(home, config);
  } catch (error) {
    if (!(error instanceof RaptError && error.kind === ErrorKind.notFound)) throw error;
    return [{ where: 'baseline', problem: `run ${config.baseline ?? ''} has not finished on this client (tenant ${config.tenant}); give the id of one that has` }];
  }
  if (found === null) return [];
  const { run, values } = found;
  return metricsAgainstBaseline(config.gates).flatMap((metric) =>
    (values[metric] ?? null) === null ? [{ where: `gates.${metric}`, problem: `was not measured in the baseline run ${run}; choose another run, or a number` }] : [],
  );
}
