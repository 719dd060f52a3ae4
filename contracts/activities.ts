/** The activities as the workflows see them. Each takes one object and returns one; bytes travel as references. */
import type {
  AdapterRef,
  ArtifactRef,
  LossPoint,
  ReleaseRef,
  ReportFiles,
  Sha256,
  StoredCheckpoint,
} from './artifacts.ts';
import type { ShownAudit } from './audit.ts';
import type { TuningConfig } from './config.ts';
import type { Guarantee } from './guarantee.ts';
import type { RunNotice } from './notice.ts';
import type { ReleasedAudit, ReleasedMetrics } from './released.ts';
import type { CurvePoint, GateResult, ShownMetrics, TestMetrics, TuningResult } from './result.ts';

export interface RunContext {
  /** Workflow id: the run's name everywhere. */
  readonly run: string;
  readonly config: TuningConfig;
}

/** A release as it lies on the client's disk. `localKey` names its folder there and says nothing about the content. */
export interface LocalRelease {
  readonly localKey: string;
  readonly digest: Sha256;
  readonly rows: { readonly train: number; readonly test: number };
  /** Null when it is not told. */
  readonly unchangedRate: number | null;
  readonly guarantee: Guarantee;
  /** SHA-256 of the backbone's weights, whose tokenizer and embedding table the release was drawn with. */
  readonly backboneSha256: Sha256;
  /** True when an earlier run drew the release, and nothing was drawn now. */
  readonly reused: boolean;
  /** Rows that were taken over from earlier releases as they were; absent when there are none. */
  readonly takenOver?: number;
}

/** The same release as its owner has it. */
export interface OwnRelease extends LocalRelease {
  readonly unchangedRate: number;
}

/** The activities of the owner's side. Their results leave the owner's machine. So each result is held against its
 *  schema in released.ts, and nothing else can leave. */
export interface ClientActivities {
  /** Reads the whole table and refuses bad input with every problem at once; draws nothing. */
  inspect(request: RunContext): Promise<{
    rows: { train: number; test: number };
    /** The backbone's name in the model hub, or `folder`. Workers of earlier versions tell neither it nor the notes. */
    backbone?: string;
    /** What a person should know of how the tables were read. */
    notes?: readonly string[];
  }>;
  /** Draws the one noisy version of each text, durably, on the client's disk. Finished shards are never drawn again. */
  privatize(request: RunContext): Promise<LocalRelease>;
  /** Uploads the release's bytes as they are. `verify` reads back what is there already, and replaces what is
   *  damaged. */
  publish(request: RunContext & { release: LocalRelease; verify?: boolean }): Promise<ReleaseRef>;
  /** Attacks the release, to tell what an adversary gets. The plain text is at hand to judge the guesses. */
  audit(request: RunContext & { release: LocalRelease }): Promise<ReleasedAudit>;
  /** Joins the predictions with the test labels, which stay here, and holds what is told against the gates. Once for
   *  each run. */
  score(request: RunContext & ScoreRequest): Promise<{ metrics: ReleasedMetrics; gates: readonly GateResult[] }>;
  report(request: RunContext & ReportRequest): Promise<StoredReport>;
  /** Records the finished run on the client and in the store. */
  register(request: RunContext & RegisterRequest): Promise<void>;
  /** Sends the notice to this client's webhook, once. */
  notify(request: RunNotice): Promise<void>;
  /** Privatizes the rows of a prediction table; the budget of plain tokens is drawn as in training. */
  preparePrediction(request: PreparePrediction): Promise<PreparedPrediction>;
  /** Joins the answers with the rows and writes the user's output file. */
  finishPrediction(request: {
    prepared: PreparedPrediction;
    predictions: ArtifactRef;
    out: string;
  }): Promise<FinishedPrediction>;
}

export interface ScoreRequest {
  readonly release: LocalRelease;
  /** Comes back from the provider's side. It is not read, since the client has its own. */
  readonly audit?: ShownAudit | null;
  readonly predictions: ArtifactRef;
  /** As the provider measured it. */
  readonly reconstruction: TestMetrics['reconstruction'];
}

export interface StoredReport {
  readonly uri: string;
  /** The path on the client's machine. Only workers of earlier versions tell it. */
  readonly path?: string;
  /** Where a browser finds the page. */
  readonly link?: string;
  readonly artifact: ArtifactRef;
  readonly files?: ReportFiles;
  readonly shown?: ShownBeside;
}

/** These figures come back from the provider's side. The client draws its own figures, and reads from here only what
 *  the provider measured. */
export interface ReportRequest {
  readonly release: ReleaseRef;
  readonly localKey: string;
  readonly adapter: AdapterRef;
  readonly metrics: ShownMetrics;
  /** Absent in runs that began before there were audits. */
  readonly audit?: ShownAudit | null;
  readonly gates: readonly GateResult[];
  readonly history: readonly LossPoint[];
  readonly timing: Readonly<Record<string, number>>;
  readonly resumed: string | null;
  /** As `inspect` told them; absent when there are none. */
  readonly notes?: readonly string[];
}

/** What the page shows besides the results, for other programs that show the run. */
export interface ShownBeside {
  readonly baselines: NonNullable<TuningResult['baselines']>;
  readonly curve: readonly CurvePoint[];
}

export interface RegisterRequest {
  readonly adapter: AdapterRef;
  /** The checkpoint that the adapter was made from. */
  readonly checkpoint: StoredCheckpoint;
  readonly release: ReleaseRef;
  readonly predictions: ArtifactRef;
  readonly report: ArtifactRef;
  readonly reportFiles?: ReportFiles;
  /** The build of the workflow's code, and the version of the GPU worker's code. */
  readonly code: { readonly workflow: string | null; readonly gpu: string };
  readonly result: TuningResult;
}

export interface PreparePrediction {
  readonly tenant: string;
  readonly run: string;
  /** The workflow id of the prediction itself. */
  readonly prediction: string;
  readonly in: string;
  /** Where the answers will be written; absent from workflows of earlier versions. */
  readonly out?: string | undefined;
  readonly textColumn?: string | undefined;
  readonly pairColumn?: string | undefined;
  readonly labelColumn?: string | undefined;
}
export interface PreparedPrediction {
  readonly prediction: string;
  readonly tenant: string;
  readonly localKey: string;
  readonly release: ReleaseRef;
  readonly adapter: AdapterRef;
  readonly backbone: string;
  readonly guarantee: Guarantee;
  /** The table on the client, and its columns. */
  readonly input: {
    readonly path: string;
    readonly text: string;
    readonly pair?: string | undefined;
    readonly label?: string | undefined;
  };
}
export interface FinishedPrediction {
  readonly rows: number;
  readonly out: string;
  /** Null without labels, and when it is not told. */
  readonly accuracy: number | null;
}

export interface TrainBlock {
  readonly run: string;
  readonly tenant: string;
  readonly release: ReleaseRef;
  readonly backbone: string;
  readonly tuning: TuningConfig['tuning'];
  /** Train until so many optimizer steps are done. Null stands for the end of the first epoch. */
  readonly untilStep: number | null;
  /** Earlier runs. Training goes on from the first of them that has a fitting checkpoint. */
  readonly resumeFrom: readonly string[];
}
export interface TrainBlockResult {
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly lastLoss: number;
  /** At most 60 recent losses. */
  readonly losses: readonly number[];
  readonly resumed: string | null;
}

export interface AssembledAdapter {
  readonly adapter: AdapterRef;
  readonly checkpoint: StoredCheckpoint;
  /** The version of the code that trained last. */
  readonly code: string;
  /** At most 500 points. */
  readonly history: readonly LossPoint[];
}

export interface GpuActivities {
  /** Trains one block of steps in a child process, from the newest checkpoint. */
  train(request: TrainBlock): Promise<TrainBlockResult>;
  /** Makes the adapter from the final checkpoint and stores it. */
  assembleAdapter(request: Omit<TrainBlock, 'untilStep' | 'resumeFrom'>): Promise<AssembledAdapter>;
  /** Classifies the test split of a release. */
  predict(request: {
    run: string;
    tenant: string;
    backbone: string;
    release: ReleaseRef;
    adapter: AdapterRef;
  }): Promise<{
    predictions: ArtifactRef;
    reconstruction: TestMetrics['reconstruction'];
  }>;
}
