/** What a run measured, what it gives back, and what its report draws. */
import type { AdapterRef, LossPoint, ReleaseRef, Sha256 } from './artifacts.ts';
import type { AuditResult, FrontierPoint, Rate, ShownAudit } from './audit.ts';
import type { Guarantee, TextLengths } from './guarantee.ts';

/** Exactly how good the answers for the test rows are. Only the owner of the labels has it; `releasedMetricsSchema`
 *  says what leaves of it. */
export interface TestMetrics {
  readonly accuracy: number;
  /** Macro-averaged F1. */
  readonly f1: number;
  readonly n: number;
  /** The share of the most frequent class among the test rows, which is what always answering it would get. */
  readonly majorityRate: number;
  /** Counts of test rows: confusion[truth][predicted]. */
  readonly confusion: readonly (readonly number[])[];
  /** The share of held-out plain tokens that were reconstructed, and how many there were; null without
   *  reconstruction. */
  readonly reconstruction: { readonly accuracy: number; readonly n: number } | null;
}

/** The same figures as they are shown: exact on the owner's machine, elsewhere what left. There null and absent mean
 *  "not told". */
export interface ShownMetrics
  extends Pick<TestMetrics, 'n' | 'reconstruction'>, Partial<Pick<TestMetrics, 'majorityRate' | 'confusion'>> {
  readonly accuracy: number | null;
  readonly f1: number | null;
}

/** Whether a gate was met. It is judged by the value that is told. */
export interface GateResult {
  /** "accuracy>=0.7", "accuracy>=baseline-0.01" */
  readonly gate: string;
  readonly value: number | null;
  /** Null when only the owner's own record tells it. That counts as missed. */
  readonly passed: boolean | null;
  /** Why there is no value. Only the owner's side has it. */
  readonly reason?: string;
  /** The number that the value was held against. Absent when the baseline lacks the metric, or the run is of an earlier
   *  version. */
  readonly bound?: number;
  /** The run that the bound comes from; absent when the condition is a number. */
  readonly baseline?: { readonly run: string; readonly value: number };
}

/** An earlier run and its accuracy, to compare with. */
export interface EarlierRun {
  readonly run: string;
  readonly accuracy: number;
}

/** An earlier run of the same tuning on the plain text, with mechanism `none`. */
export type PlainBaseline = EarlierRun;

/** An earlier run as it is shown. The accuracy is null when it was not told. */
export interface ShownRun {
  readonly run: string;
  readonly accuracy: number | null;
}

/** A point of a loss curve of which some points were left out. */
export interface CurvePoint {
  readonly step: number;
  /** The joint loss, as the mean over the steps since the point before in the full curve. */
  readonly loss: number;
  /** The share of the training rows that were classified correctly, over the same steps. */
  readonly accuracy: number;
}

/** What a finished run gives back. It is the workflow's result, which holds only released figures. It is also what
 *  `rapt run --wait --json` prints, with the exact figures on the owner's machine. */
export interface TuningResult {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: 'completed';
  readonly metrics: { readonly test: ShownMetrics };
  readonly privacy: {
    readonly mechanism: Guarantee['mechanism'];
    readonly eta: number | null;
    /** Null when it is not told. */
    readonly unchangedRate: number | null;
    readonly backboneSha256: Sha256;
    readonly guarantee: Guarantee;
  };
  /** What the attacks got; empty when none was run. */
  readonly audit: Partial<ShownAudit>;
  readonly gates: readonly GateResult[];
  readonly adapter: { readonly uri: string; readonly sha256: Sha256 };
  readonly release: {
    readonly uri: string;
    readonly sha256: Sha256;
    readonly reused: boolean;
    /** Rows taken over from earlier releases, which cost nothing; absent when there are none. */
    readonly takenOver?: number;
  };
  /** The path is of the owner's machine, and empty elsewhere. */
  readonly report: { readonly uri: string; readonly path: string };
  readonly resumed: string | null;
  readonly timing: Readonly<Record<string, number>>;
  /** Earlier runs to compare this one with: the run that `baseline` names, and one of the same tuning on plain text.
   *  Absent in results of earlier versions, as is `training`. */
  readonly baselines?: { readonly named: ShownRun | null; readonly plain: ShownRun | null };
  readonly training?: { readonly curve: readonly CurvePoint[] };
  /** What a person should know of how the tables were read: counts, and shares in whole percents. Absent when there is
   *  nothing to tell. */
  readonly notes?: readonly string[];
}

/** A run's result as its owner has it, with every figure, and exact. */
export interface OwnResult extends TuningResult {
  readonly metrics: { readonly test: TestMetrics };
  readonly privacy: TuningResult['privacy'] & { readonly unchangedRate: number };
  readonly audit: Partial<AuditResult>;
}

/** Another finished run of the same client, to be drawn as a point beside this one. */
export interface OtherRun {
  readonly run: string;
  readonly mechanism: Guarantee['mechanism'];
  readonly eta: number | null;
  readonly unchangedRate: number;
  /** What Bayes' rule got; null when the run was not attacked by it. */
  readonly bayes: Rate | null;
  readonly accuracy: number;
  /** Of the test rows. */
  readonly n: number;
  /** Whether it read the same tables in the same way, so that the accuracies can be compared. */
  readonly sameData: boolean;
}

/** Everything that the report shows, gathered by the client. As JSON it is the report for programs. */
export interface ReportData {
  readonly format: 'rapt-report/1';
  readonly run: string;
  readonly tenant: string;
  /** Without the names of files, folders and columns. */
  readonly config: unknown;
  readonly classes: readonly string[];
  readonly classCounts: readonly number[];
  readonly rows: { readonly train: number; readonly test: number };
  readonly metrics: TestMetrics;
  readonly baseline: PlainBaseline | null;
  /** The run that `baseline` of the configuration names. */
  readonly named: EarlierRun | null;
  readonly guarantee: Guarantee;
  readonly textLengths: TextLengths;
  readonly unchangedRate: number;
  /** The share of the tokens that the backbone's tokenizer does not know, in hundredths. It tells something of the
   *  texts, and hundredths are enough to choose a backbone by. Absent for releases of earlier versions. */
  readonly unknownRate?: number;
  /** What a person should know of how the tables were read. Absent when there is nothing to tell. */
  readonly notes?: readonly string[];
  readonly audit: AuditResult | null;
  readonly history: readonly LossPoint[];
  readonly adapter: AdapterRef;
  readonly release: ReleaseRef;
  readonly gates: readonly GateResult[];
  readonly timing: Readonly<Record<string, number>>;
  readonly resumed: string | null;
  /** The calibration curve of the run's mechanism over its public table. Empty when nothing was hidden, or when the
   *  table is too large. */
  readonly frontier: readonly FrontierPoint[];
  /** The newest first. */
  readonly others: readonly OtherRun[];
  /** The SHA-256 of the backbone's weights, that of the configuration (keyed by the client), and the version of the
   *  client's code. */
  readonly lineage: { readonly backbone: Sha256; readonly configuration: Sha256; readonly code: string };
}
