/** What lies in the object store, and where. Users open these with pandas, DuckDB, safetensors and PEFT. */
import { z } from 'zod';
import { guaranteeSchema } from './guarantee.ts';

/** Lower-case hexadecimal SHA-256. */
export type Sha256 = string & { readonly __brand: 'sha256' };
export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Sha256);

/** A stored object, named with what it must contain. Passed between processes instead of its bytes. */
export const artifactRefSchema = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  sha256: sha256Schema,
  sizeBytes: z.int().min(0),
});
export type ArtifactRef = z.output<typeof artifactRefSchema>;

export const keys = {
  /** Which client releases the tenant's texts. */
  client: (tenant: string) => `releases/${tenant}/client.json`,
  releasePrefix: (tenant: string, digest: Sha256) => `releases/${tenant}/${digest}/`,
  runPrefix: (tenant: string, run: string) => `runs/${tenant}/${run}/`,
  checkpointsPrefix: (tenant: string, run: string) => `runs/${tenant}/${run}/checkpoints/`,
  checkpointPrefix: (tenant: string, run: string, step: number, attempt: string) =>
    `runs/${tenant}/${run}/checkpoints/${String(step).padStart(8, '0')}-${attempt}/`,
  checkpointPointer: (tenant: string, run: string) => `runs/${tenant}/${run}/latest.json`,
  predictions: (tenant: string, run: string, digest: Sha256) => `runs/${tenant}/${run}/predictions/${digest}.json`,
  runManifest: (tenant: string, run: string) => `runs/${tenant}/${run}/manifest.json`,
  runResult: (tenant: string, run: string) => `runs/${tenant}/${run}/result.json`,
  adapterPrefix: (tenant: string, digest: Sha256) => `adapters/${tenant}/${digest}/`,
  reportPrefix: (tenant: string, run: string) => `reports/${tenant}/${run}/`,
} as const;

export const MANIFEST_FILE = 'manifest.json';

/** client.json of a tenant: a keyed digest by which a client knows its own mark. It tells others no more than that it
 *  is the same client. */
export interface ClientMark {
  readonly format: 'rapt-client/1';
  /** HMAC-SHA-256, in hexadecimal digits. */
  readonly client: string;
}

/** One Parquet file of a release. Columns: row INT32, input_ids LIST<INT32>, pair_ids LIST<INT32> (pair tasks only),
 *  plain_ids and plain_noisy_ids LIST<INT32> (with reconstruction only), label INT32 (training split only). */
export const shardSchema = z.strictObject({
  /** Its split and its number. It becomes a file's name on machines of others, so it may be nothing else. */
  file: z.string().regex(/^(train|test)-\d{5,9}\.parquet$/),
  split: z.enum(['train', 'test']),
  rows: z.int().min(1),
  tokens: z.int().min(0),
  sha256: sha256Schema,
  sizeBytes: z.int().min(1),
});
export type Shard = z.output<typeof shardSchema>;

/** Randomized response on the training labels: the chance that one stayed itself, and that it became each other
 *  class. */
export const labelNoiseSchema = z.strictObject({ epsilon: z.number().positive(), keep: z.number(), flip: z.number() });
export type LabelNoise = z.output<typeof labelNoiseSchema>;

/** Uploaded with the shards, so it holds nothing that the guarantee does not cover besides sizes, classes and their
 *  counts. How many of the user's tokens stayed themselves is a second look at the plain text and stays on the
 *  client. */
export const releaseManifestSchema = z.strictObject({
  format: z.literal('rapt-release/1'),
  tenant: z.string(),
  backbone: z.strictObject({ name: z.string(), sha256: sha256Schema, hiddenSize: z.int(), vocabularySize: z.int() }),
  /** Names of the classes in label order. The label set is not covered by the guarantee. */
  classes: z.array(z.string()).min(2),
  /** Training rows of each class, in label order; where labels were drawn, of the drawn ones. */
  classCounts: z.array(z.int()),
  /** Absent when the training labels are what they were. */
  labelNoise: labelNoiseSchema.optional(),
  pair: z.boolean(),
  maxTokens: z.int(),
  /** What every row's plain tokens were drawn from; false without reconstruction. */
  plain: z.union([z.literal(false), z.strictObject({ tokensPerRow: z.int(), vocabulary: z.array(z.int()) })]),
  guarantee: guaranteeSchema,
  rows: z.strictObject({ train: z.int(), test: z.int() }),
  tokens: z.int(),
  shards: z.array(shardSchema),
});
export type ReleaseManifest = z.output<typeof releaseManifestSchema>;

/** A release in the store: the manifest's reference names every shard by digest. `digest` is the manifest's SHA-256. */
export const releaseRefSchema = z.strictObject({ digest: sha256Schema, manifest: artifactRefSchema });
export type ReleaseRef = z.output<typeof releaseRefSchema>;

/** One point of the loss curves, the mean over the steps since the point before. */
export const lossPointSchema = z.strictObject({
  step: z.int(),
  epoch: z.number(),
  loss: z.number(),
  taskLoss: z.number(),
  reconstructionLoss: z.number().nullable(),
  /** Share of the training rows classified correctly, and of the plain tokens reconstructed, over the same steps. */
  accuracy: z.number(),
  reconstructionAccuracy: z.number().nullable(),
  gradientNorm: z.number(),
});
export type LossPoint = z.output<typeof lossPointSchema>;

/** state.json of a checkpoint; weights.safetensors and optimizer.safetensors lie beside it. */
export const checkpointStateSchema = z.strictObject({
  format: z.literal('rapt-checkpoint/1'),
  /** Optimizer steps done. */
  step: z.int().min(0),
  totalSteps: z.int().min(1),
  /** Digest of everything that determines the result: release, backbone, tuning options. */
  trainingDigest: sha256Schema,
  history: z.array(lossPointSchema),
  /** Sums since the last history point, so that the next point is the same after a resume. */
  pending: z.strictObject({
    steps: z.int(),
    loss: z.number(),
    taskLoss: z.number(),
    reconstructionLoss: z.number(),
    correct: z.int(),
    rows: z.int(),
    reconstructed: z.int(),
    plainTokens: z.int(),
    gradientNorm: z.number(),
  }),
});
export type CheckpointState = z.output<typeof checkpointStateSchema>;

export const CHECKPOINT_FILES = ['weights.safetensors', 'optimizer.safetensors', 'state.json'] as const;
export type CheckpointFile = (typeof CHECKPOINT_FILES)[number];

/** A complete checkpoint in the store. */
export const storedCheckpointSchema = z.strictObject({
  /** Optimizer steps done. */
  step: z.int().min(0),
  trainingDigest: sha256Schema,
  /** Mean training loss of the steps since the checkpoint before; null when nothing was trained in between. */
  loss: z.number().nullable(),
  files: z.record(z.enum(CHECKPOINT_FILES), artifactRefSchema),
});
export type StoredCheckpoint = z.output<typeof storedCheckpointSchema>;

/** Orders the attempts of a run: when the server first scheduled the activity, in ms, and the attempt's number. An
 *  attempt that its worker begins late, because it was frozen, is thereby known to be older than the one that took its
 *  place. */
export const fenceSchema = z.strictObject({ scheduledMs: z.int(), attempt: z.int().min(1) });
export type Fence = z.output<typeof fenceSchema>;

/** latest.json: points at the newest complete checkpoint; moved only by compare-and-swap. What it names is kept, all
 *  else may be removed. */
export const checkpointPointerSchema = z.strictObject({
  format: z.literal('rapt-pointer/2'),
  release: sha256Schema,
  trainingDigest: sha256Schema,
  totalSteps: z.int().min(1),
  /** Attempt that wrote it, unique for each attempt, so that no two pointers have the same bytes. */
  attempt: z.string(),
  fence: fenceSchema,
  newest: storedCheckpointSchema,
  /** Those before it, newest first: what to go on from when a newer one is damaged. */
  earlier: z.array(storedCheckpointSchema),
  /** The one of least loss; it may be among the others. */
  best: storedCheckpointSchema.nullable(),
});
export type CheckpointPointer = z.output<typeof checkpointPointerSchema>;

export const ADAPTER_FILES = [
  'adapter_config.json',
  'adapter_model.safetensors',
  'head.safetensors',
  'rapt.json',
] as const;
export type AdapterFile = (typeof ADAPTER_FILES)[number];
/** Beside the files of an adapter that was imported: no run refers to it, and it stays all the same. */
export const IMPORT_MARK = 'imported.json';

/** rapt.json of an adapter: all that inference needs besides the weights. No times, no run ids: equal runs give equal
 *  bytes. */
export const adapterCardSchema = z.strictObject({
  format: z.literal('rapt-adapter/1'),
  backbone: z.strictObject({ name: z.string(), sha256: sha256Schema }),
  method: z.enum(['prefix', 'prompt']),
  length: z.int(),
  pooling: z.enum(['mean', 'pooler']),
  /** Of what the frozen model reads; absent when it is the released token's own embedding. */
  input: z.literal('posterior').optional(),
  classes: z.array(z.string()),
  pair: z.boolean(),
  maxTokens: z.int(),
  /** Plain tokens stand before each text at inference as they did in training. */
  plain: z.union([z.literal(false), z.strictObject({ tokensPerRow: z.int(), vocabulary: z.array(z.int()) })]),
  guarantee: guaranteeSchema,
  /** What it was trained on and how; absent when it was trained elsewhere and imported. */
  release: sha256Schema.optional(),
  trainingDigest: sha256Schema.optional(),
});
/** What an adapter is: its backbone, classes, settings, and the guarantee under which its training texts were
 *  released. */
export type AdapterCard = z.output<typeof adapterCardSchema>;

/** `digest` is the SHA-256 over the sorted lines "<sha256>  <file>". */
export const adapterRefSchema = z.strictObject({
  digest: sha256Schema,
  files: z.record(z.enum(ADAPTER_FILES), artifactRefSchema),
});
export type AdapterRef = z.output<typeof adapterRefSchema>;

/** What the GPU side answers for privatized rows; the client joins the labels. */
export const predictionsSchema = z.strictObject({
  format: z.literal('rapt-predictions/1'),
  /** Row numbers as in the release, the predicted class of each, and its probability. */
  rows: z.array(z.int()),
  predicted: z.array(z.int()),
  probability: z.array(z.number()),
});
export type Predictions = z.output<typeof predictionsSchema>;

export const REPORT_PAGE = 'index.html';
/** Beside the report's page. */
export const REPORT_FILES = ['report.json', 'report.md'] as const;
/** Ending of an object that only its owner can read. */
export const SEALED_ENDING = '.sealed';
/** What an object of a report is called. Earlier versions stored it readable. */
export const STORED_REPORT_FILES: readonly string[] = [REPORT_PAGE, ...REPORT_FILES].flatMap((file) => [
  `${file}${SEALED_ENDING}`,
  file,
]);
export type ReportFiles = Readonly<Record<(typeof REPORT_FILES)[number], ArtifactRef>>;

/** manifest.json of a finished run: the adapter's lineage, and every artifact of the run by digest. */
export const runManifestSchema = z.strictObject({
  format: z.literal('rapt-run/1'),
  run: z.string(),
  /** Temporal's id of the execution that finished it. */
  runId: z.string(),
  /** Of the configuration as canonical JSON, keyed by the client (HMAC-SHA-256): it names files, which a plain digest
   *  would let anybody guess. */
  configuration: sha256Schema,
  /** Code that ran the workflow (a build id), on the client and on the GPU worker. */
  code: z.strictObject({ workflow: z.string().nullable(), client: z.string(), gpu: z.string() }),
  release: releaseRefSchema,
  checkpoint: storedCheckpointSchema,
  adapter: adapterRefSchema,
  predictions: artifactRefSchema,
  report: artifactRefSchema,
  /** The same as JSON and as Markdown. Absent in manifests of earlier versions. */
  reportFiles: z.record(z.enum(REPORT_FILES), artifactRefSchema).optional(),
  result: artifactRefSchema,
  resumed: z.string().nullable(),
});
export type RunManifest = z.output<typeof runManifestSchema>;
