import type { AdapterRef, LossPoint, ReleaseRef, Sha256 } from './artifacts.ts';
import type { AuditResult } from './audit.ts';
import type { Guarantee, TextLengths } from './guarantee.ts';

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

export interface GateResult {
  readonly gate: string;
  readonly value: number | null;
  readonly passed: boolean;
}

/** The adapter's accuracy when the same tuning ran on the plain text, taken from an earlier run with mechanism `none`. */
export interface PlainBaseline {
  readonly run: string;
  readonly accuracy: number;
}

/** What a finished run gives back: the workflow's result, and the one object that `rapt run --wait --json` prints. */
export interface TuningResult {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: 'completed';
  readonly metrics: { readonly test: TestMetrics };
  readonly privacy: {
    readonly mechanism: Guarantee['mechanism'];
    readonly eta: number | null;
    readonly unchangedRate: number;
    readonly backboneSha256: Sha256;
    readonly guarantee: Guarantee;
  };
  /** What the attacks got; empty when none was run. */
  readonly audit: Partial<AuditResult>;
  readonly gates: readonly GateResult[];
  readonly adapter: { readonly uri: string; readonly sha256: Sha256 };
  readonly release: { readonly uri: string; readonly sha256: Sha256; readonly reused: boolean };
  readonly report: { readonly uri: string; readonly path: string };
  readonly resumed: string | null;
  readonly timing: Readonly<Record<string, number>>;
}

/** Everything the report draws, gathered by the client. */
export interface ReportData {
  readonly run: string;
  readonly tenant: string;
  readonly config: unknown;
  readonly classes: readonly string[];
  readonly classCounts: readonly number[];
  readonly rows: { readonly train: number; readonly test: number };
  readonly metrics: TestMetrics;
  readonly baseline: PlainBaseline | null;
  readonly guarantee: Guarantee;
  readonly textLengths: TextLengths;
  readonly unchangedRate: number;
  readonly audit: AuditResult | null;
  readonly history: readonly LossPoint[];
  readonly adapter: AdapterRef;
  readonly release: ReleaseRef;
  readonly gates: readonly GateResult[];
  readonly timing: Readonly<Record<string, number>>;
  readonly resumed: string | null;
}
