/** The earlier run that gates compare with, as this client remembers it. */
import {
  ErrorKind,
  metricsAgainstBaseline,
  RaptError,
  type AuditResult,
  type EarlierRun,
  type InputProblem,
  type ShownRun,
  type TuningConfig,
} from '../../../contracts/index.ts';
import { judgedValues, releasedAudit, releasedMetrics, toldUnchanged } from '../../../rapt/client/index.ts';
import { LEAST, toldShare, tooFewRows, type GateBaseline } from '../../../rapt/evaluation/index.ts';
import { hasRunRecord, readRunRecord, type RunRecord, type ToldFigures } from './run-record.ts';

/** The accuracy is exact, for the owner; the values are those that are told. Null when the configuration names none.
 *  @throws RaptError notFound when this client knows no such run. */
export function readBaseline(
  home: string,
  { tenant, baseline }: Pick<TuningConfig, 'tenant' | 'baseline'>,
): (GateBaseline & EarlierRun) | null {
  if (baseline === undefined) return null;
  const record = readRunRecord(home, tenant, baseline);
  const { metrics: test, ...beside } = toldOf(record);
  const { metrics, audit } = record.result;
  return {
    run: baseline,
    accuracy: metrics.test.accuracy,
    values: judgedValues({ test, ...beside }, audit.attributes ?? []),
  };
}

/** An earlier run as others are shown it; null when there is none. */
export function toldRun(home: string, tenant: string, earlier: EarlierRun | null): ShownRun | null {
  if (earlier === null) return null;
  const { run } = earlier;
  return {
    run,
    accuracy: hasRunRecord(home, tenant, run) ? toldOf(readRunRecord(home, tenant, run)).metrics.accuracy : null,
  };
}

/** What is told of a finished run; by the same rules where an earlier version told more. */
function toldOf({
  told,
  result: {
    metrics: { test },
    privacy,
    audit,
  },
}: RunRecord): ToldFigures {
  if (told !== undefined) return told;
  const { accuracy, f1, n, reconstruction } = test;
  // Nobody drew noise for it then, and a figure that is drawn now would be another one each time.
  const isTold = tooFewRows(n) === null && privacy.guarantee.labelEpsilon === undefined;
  const share = (value: number) => ({ value: isTold ? toldShare(value, n) : null, reason: null });
  // Records had no size of the release. It has the test texts at least, and what is compared is told in the same steps
  // at most.
  const size = { texts: n, tokens: LEAST.tokens };
  return {
    metrics: releasedMetrics({ accuracy: share(accuracy), f1: share(f1) }, n, reconstruction),
    audit: 'attacks' in audit ? releasedAudit(audit as AuditResult) : null,
    unchangedRate: toldUnchanged(privacy.unchangedRate, size),
  };
}

/** Why the gates cannot be held against the baseline; empty when they can. */
export function baselineProblems(
  home: string,
  config: Pick<TuningConfig, 'tenant' | 'baseline' | 'gates'>,
): InputProblem[] {
  let found: GateBaseline | null;
  try {
    found = readBaseline(home, config);
  } catch (error) {
    if (!(error instanceof RaptError && error.kind === ErrorKind.notFound)) throw error;
    return [
      {
        where: 'baseline',
        problem:
          `run ${config.baseline ?? ''} has not finished on this client (tenant ${config.tenant}); ` +
          'give the id of one that has',
      },
    ];
  }
  if (found === null) return [];
  const { run, values } = found;
  return metricsAgainstBaseline(config.gates).flatMap((metric) =>
    (values[metric] ?? null) === null
      ? [
          {
            where: `gates.${metric}`,
            problem:
              `was not measured in the baseline run ${run}, or is not told of it; ` + 'choose another run, or a number',
          },
        ]
      : [],
  );
}
