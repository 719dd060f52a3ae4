/** What is known of a finished run, computed once from what was measured. How it is said is in words.ts. */
import type {
  AttackResult,
  CurvePoint,
  GateResult,
  OtherRun,
  ReportData,
  TuningResult,
} from '../../contracts/index.ts';
import { classScores, wilsonInterval, type ClassScore, type Interval } from '../evaluation/index.ts';
import { sparseCurve } from './loss-curve.ts';

/** A line chart of more points is a smear. */
const CURVE_POINTS = 50;

/** What of a run a short page is made of. A figure that did not leave the owner's machine is null. */
export type Shown = Pick<TuningResult, 'metrics' | 'privacy' | 'audit' | 'gates' | 'baselines' | 'training'>;

/** The owner's record of a run, and what follows from it. */
export interface Facts extends ReportData {
  /** 95 % interval of the accuracy. */
  readonly accuracyInterval: Interval;
  /** Accuracy less the share of the most frequent class. */
  readonly lead: number;
  /** Whether the lead is more than chance. */
  readonly beatsMajority: boolean;
  /** In the order of the classes. */
  readonly scores: readonly ClassScore[];
  /** What Bayes' rule got; null when the run was not attacked by it. */
  readonly bayes: AttackResult | null;
  /** This run, and after it the others of the same client. */
  readonly runs: readonly [OtherRun, ...OtherRun[]];
  /** The run to compare with: the named one, else the one on plain text. */
  readonly reference: string | null;
}

export function factsOf(data: ReportData): Facts {
  const { metrics, guarantee, audit, run, unchangedRate, others, named, baseline } = data;
  const { accuracy, n, majorityRate, confusion } = metrics;
  const { mechanism, eta } = guarantee;
  const accuracyInterval = wilsonInterval(accuracy, n);
  const bayes = audit?.attacks.find(({ attack }) => attack === 'bayes') ?? null;
  const own = { run, mechanism, eta, unchangedRate, bayes: bayes?.success ?? null, accuracy, n, sameData: true };
  return {
    ...data,
    accuracyInterval,
    lead: accuracy - majorityRate,
    beatsMajority: accuracyInterval.low > majorityRate,
    scores: classScores(confusion),
    bayes,
    runs: [own, ...others],
    reference: named?.run ?? baseline?.run ?? null,
  };
}

/** The owner's record as far as a short page shows it. */
export function shownOf(data: ReportData): Shown {
  const { metrics, guarantee, unchangedRate, audit, gates, named, baseline, history, lineage } = data;
  const { mechanism, eta } = guarantee;
  const curve: readonly CurvePoint[] = sparseCurve(history, CURVE_POINTS);
  return {
    metrics: { test: metrics },
    privacy: { mechanism, eta, unchangedRate, guarantee, backboneSha256: lineage.backbone },
    audit: audit ?? {},
    gates,
    baselines: { named, plain: baseline },
    training: { curve },
  };
}

/** A gate whose outcome is not told counts as missed. */
export const missedGates = (gates: readonly GateResult[]): number => gates.filter(({ passed }) => !passed).length;

/** @param timing seconds of each stage. */
export const totalSeconds = (timing: TuningResult['timing']): number =>
  Object.values(timing).reduce((sum, part) => sum + part, 0);
