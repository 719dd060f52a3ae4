import type { AdapterRef, LossPoint, ReleaseRef, Sha256 } from './artifacts.ts';
import type { AuditResult, FrontierPoint, Rate, ShownAudit } from './audit.ts';
import type { Guarantee, TextLengths } from './guarantee.ts';

/** How good the answers for the test rows are, exactly: for the owner of the labels alone. What leaves of it:
 *  `releasedMetricsSchema`. */
export interface TestMetrics {
  readonly accuracy: number;
  /** Macro-averaged F1. */
  readonly f1: number;
  readonly n: number;
  /** Share of the most frequent class among the test rows: what always answering it would get. */
  readonly majorityRate: number;
  /** confusion[truth][predicted], counts. */
  readonly confusion: readonly (readonly number[])[];
  /** Held-out plain tokens reconstructed, and how many there were; null without reconstruction. */
  readonly reconstruction: { readonly accuracy: number; readonly n: number } | null;
}

/** The same as whoever looks at a run has it: exact on the owner's machine, elsewhere what left, where null and absent
 *  mean "not told". */
export interface ShownMetrics
  extends Pick<TestMetrics, 'n' | 'reconstruction'>, Partial<Pick<TestMetrics, 'majorityRate' | 'confusion'>> {
  readonly accuracy: number | null;
  readonly f1: number | null;
}

/** Whether a gate was met, by the value that is told. */
export interface GateResult {
  /** "accuracy>=0.7", "accuracy>=baseline-0.01" */
  readonly gate: string;
  readonly value: number | null;
  /** Null where only the owner's own record tells, which counts as missed. */
  readonly passed: boolean | null;
  /** Why there is no value; on the owner's side alone. */
  readonly reason?: string;
  /** The number that the value was held against. Absent where there was none: the baseline lacks the metric, or the run
   *  is of an earlier version. */
  readonly bound?: number;
  /** Where the bound comes from; absent when the condition is a number. */
  readonly baseline?: { readonly run: string; readonly value: number };
}

/** The accuracy of an earlier run, beside which this one's is shown. */
export interface EarlierRun {
  readonly run: string;
  readonly accuracy: number;
}

/** The adapter's accuracy when the same tuning ran on the plain text, taken from an earlier run with mechanism
 *  `none`. */
export type PlainBaseline = EarlierRun;

/** The same as it is shown: null where the accuracy was not told. */
export interface ShownRun {
  readonly run: string;
  readonly accuracy: number | null;
}

/** A point of a loss curve that was made sparse. */
export interface CurvePoint {
  readonly step: number;
  /** Joint loss, the mean over the steps since the point of the full curve before. */
  readonly loss: number;
  /** Share of the training rows classified correctly, over the same steps. */
  readonly accuracy: number;
}

/** What a finished run gives back: the workflow's result, which holds released figures only, and the one object that
 *  `rapt run --wait --json` prints, with the exact ones on the owner's machine. */
export interface TuningResult {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: 'completed';
  readonly metrics: { readonly test: ShownMetrics };
  readonly privacy: {
    readonly mechanism: Guarantee['mechanism'];
    readonly eta: number | null;
    /** Null where it is not told. */
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
  /** Earlier runs to see this one beside: the one that `baseline` names, and one of the same tuning on plain text.
   *  Absent in results of earlier versions, as is `training`. */
  readonly baselines?: { readonly named: ShownRun | null; readonly plain: ShownRun | null };
  readonly training?: { readonly curve: readonly CurvePoint[] };
  /** What a person should know of how the tables were read: counts, and shares in whole percents. Absent when there is
   *  nothing. */
  readonly notes?: readonly string[];
}

/** A run's result as its owner has it: every figure is there, and exact. */
export interface OwnResult extends TuningResult {
  readonly metrics: { readonly test: TestMetrics };
  readonly privacy: TuningResult['privacy'] & { readonly unchangedRate: number };
  readonly audit: Partial<AuditResult>;
}

/** A finished run of the same client, as a point beside this one's. */
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
  /** Whether it read the same tables in the same way, so that accuracies compare. */
  readonly sameData: boolean;
}

/** Everything the report draws, gathered by the client; as JSON it is the report for programs. */
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
  /** Share of the tokens that the backbone's tokenizer does not know, in hundredths: it tells something of the texts,
   *  and no more of it is needed to choose a backbone. Absent for releases of earlier versions. */
  readonly unknownRate?: number;
  /** What a person should know of how the tables were read. Absent when there is nothing. */
  readonly notes?: readonly string[];
  readonly audit: AuditResult | null;
  readonly history: readonly LossPoint[];
  readonly adapter: AdapterRef;
  readonly release: ReleaseRef;
  readonly gates: readonly GateResult[];
  readonly timing: Readonly<Record<string, number>>;
  readonly resumed: string | null;
  /** The calibration curve of the run's mechanism over its public table; empty when nothing was hidden, or for tables
   *  that are too large. */
  readonly frontier: readonly FrontierPoint[];
  /** The newest first. */
  readonly others: readonly OtherRun[];
  /** SHA-256 of the backbone's weights; of the configuration, keyed by the client; version of its code. */
  readonly lineage: { readonly backbone: Sha256; readonly configuration: Sha256; readonly code: string };
}
