/** What lies in the object store, and where. Users open these objects with pandas, DuckDB, safetensors and PEFT. */
import { z } from 'zod';
import { guaranteeSchema } from './guarantee.ts';

/** Lower-case hexadecimal SHA-256. */
export type Sha256 = string & { readonly __brand: 'sha256' };
export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Sha256);

/** The name of a stored object and the digest that its bytes must have. Processes pass it to each other instead of the
 *  bytes. */
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

/** client.json of a tenant: a keyed digest by which a client knows its own mark. Others learn from it only whether a
 *  client is the same. */
export interface ClientMark {
  readonly format: 'rapt-client/1';
  /** HMAC-SHA-256, in hexadecimal digits. */
  readonly client: string;
}

/** One Parquet file of a release. Columns: row INT32, input_ids LIST<INT32>, pair_ids LIST<INT32> (pair tasks only),
 *  plain_ids and plain_noisy_ids LIST<INT32> (with reconstruction only), label INT32 (training split only). */
export const shardSchema = z.strictObject({
  /** The split and the number. It becomes a file's name on machines of others, so it may hold nothing else. */
  file: z.string().regex(/^(train|test)-\d{5,9}\.parquet$/),
  split: z.enum(['train', 'test']),
  rows: z.int().min(1),
  tokens: z.int().min(0),
  sha256: sha256Schema,
  sizeBytes: z.int().min(1),
});
export type Shard = z.output<typeof shardSchema>;

/** Randomized response on the training labels: the chance that a label stayed itself, and the chance that it became
 *  each other class. */
export const labelNoiseSchema = z.strictObject({ epsilon: z.number().positive(), keep: z.number(), flip: z.number() });
export type LabelNoise = z.output<typeof labelNoiseSchema>;

/** The manifest is uploaded with the shards. So it holds only what the guarantee covers, and sizes, classes and their
 *  counts. How many of the user's tokens stayed themselves is a second look at the plain text, so it stays on the
 *  client. */
export const releaseManifestSchema = z.strictObject({
  format: z.literal('rapt-release/1'),
  tenant: z.string(),
  backbone: z.strictObject({ name: z.string(), sha256: sha256Schema, hiddenSize: z.int(), vocabularySize: z.int() }),
  /** The names of the classes in label order. The guarantee does not cover the set of labels. */
  classes: z.array(z.string()).min(2),
  /** Training rows of each class, in label order. If labels were drawn, the drawn labels are counted. */
  classCounts: z.array(z.int()),
  /** Absent when the training labels are what they were. */
  labelNoise: labelNoiseSchema.optional(),
  pair: z.boolean(),
  maxTokens: z.int(),
  /** The tokens that every row's plain tokens were drawn from; false without reconstruction. */
  plain: z.union([z.literal(false), z.strictObject({ tokensPerRow: z.int(), vocabulary: z.array(z.int()) })]),
  guarantee: guaranteeSchema,
  rows: z.strictObject({ train: z.int(), test: z.int() }),
  tokens: z.int(),
  shards: z.array(shardSchema),
});
export type ReleaseManifest = z.output<typeof releaseManifestSchema>;

/** A release in the store. The manifest names every shard by its digest; `digest` is the SHA-256 of the manifest. */
export const releaseRefSchema = z.strictObject({ digest: sha256Schema, manifest: artifactRefSchema });
export type ReleaseRef = z.output<typeof releaseRefSchema>;

/** One point of the loss curves: means over the steps since the point before. */
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
  /** A digest of everything that determines the result: release, backbone, tuning options. */
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
  /** The mean training loss of the steps since the checkpoint before; null when nothing was trained in between. */
  loss: z.number().nullable(),
  files: z.record(z.enum(CHECKPOINT_FILES), artifactRefSchema),
});
export type StoredCheckpoint = z.output<typeof storedCheckpointSchema>;

/** Orders the attempts of a run: when the server first scheduled the activity, in ms, and the number of the attempt. A
 *  worker that was frozen may begin an attempt late. By its fence that attempt is known to be older than the one that
 *  took its place. */
export const fenceSchema = z.strictObject({ scheduledMs: z.int(), attempt: z.int().min(1) });
export type Fence = z.output<typeof fenceSchema>;

/** latest.json: points at the newest complete checkpoint, and is moved only by compare-and-swap. The checkpoints that
 *  it names are kept; all others may be removed. */
export const checkpointPointerSchema = z.strictObject({
  format: z.literal('rapt-pointer/2'),
  release: sha256Schema,
  trainingDigest: sha256Schema,
  totalSteps: z.int().min(1),
  /** The attempt that wrote the pointer. It is unique, so that no two pointers have the same bytes. */
  attempt: z.string(),
  fence: fenceSchema,
  newest: storedCheckpointSchema,
  /** The checkpoints before it, newest first. Training goes on from one of them when the newer ones are damaged. */
  earlier: z.array(storedCheckpointSchema),
  /** The checkpoint of least loss, which may be one of the others. */
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
/** Lies beside the files of an imported adapter, so that it is kept although no run refers to it. */
export const IMPORT_MARK = 'imported.json';

/** rapt.json of an adapter: all that inference needs besides the weights. It holds no times and no run ids, so that
 *  equal runs give equal bytes. */
export const adapterCardSchema = z.strictObject({
  format: z.literal('rapt-adapter/1'),
  backbone: z.strictObject({ name: z.string(), sha256: sha256Schema }),
  method: z.enum(['prefix', 'prompt']),
  length: z.int(),
  pooling: z.enum(['mean', 'pooler']),
  /** What the frozen model reads of a released token; absent when that is the token's own embedding. */
  input: z.literal('posterior').optional(),
  classes: z.array(z.string()),
  pair: z.boolean(),
  maxTokens: z.int(),
  /** At inference, plain tokens stand before each text as they did in training. */
  plain: z.union([z.literal(false), z.strictObject({ tokensPerRow: z.int(), vocabulary: z.array(z.int()) })]),
  guarantee: guaranteeSchema,
  /** What it was trained on, and how. Absent when it was trained elsewhere and imported. */
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

/** The answers of the GPU side for privatized rows. The client joins them with the labels. */
export const predictionsSchema = z.strictObject({
  format: z.literal('rapt-predictions/1'),
  /** The rows' numbers in the release, then the predicted class of each row, and its probability. */
  rows: z.array(z.int()),
  predicted: z.array(z.int()),
  probability: z.array(z.number()),
});
export type Predictions = z.output<typeof predictionsSchema>;

export const REPORT_PAGE = 'index.html';
/** Beside the report's page. */
export const REPORT_FILES = ['report.json', 'report.md'] as const;
/** The ending of an object that only its owner can read. */
export const SEALED_ENDING = '.sealed';
/** The names of a report's objects. Earlier versions stored them without sealing them. */
export const STORED_REPORT_FILES: readonly string[] = [REPORT_PAGE, ...REPORT_FILES].flatMap((file) => [
  `${file}${SEALED_ENDING}`,
  file,
]);
export type ReportFiles = Readonly<Record<(typeof REPORT_FILES)[number], ArtifactRef>>;

/** manifest.json of a finished run: the adapter's lineage, and every artifact of the run by digest. */
export const runManifestSchema = z.strictObject({
  format: z.literal('rapt-run/1'),
  run: z.string(),
  /** Temporal's id of the execution that finished the run. */
  runId: z.string(),
  /** A digest of the configuration as canonical JSON, keyed by the client (HMAC-SHA-256). The configuration names
   *  files, and from a plain digest anybody could check guesses of them. */
  configuration: sha256Schema,
  /** The code that ran the workflow (a build id), the client and the GPU worker. */
  code: z.strictObject({ workflow: z.string().nullable(), client: z.string(), gpu: z.string() }),
  release: releaseRefSchema,
  checkpoint: storedCheckpointSchema,
  adapter: adapterRefSchema,
  predictions: artifactRefSchema,
  report: artifactRefSchema,
  /** The report as JSON and as Markdown. Absent in manifests of earlier versions. */
  reportFiles: z.record(z.enum(REPORT_FILES), artifactRefSchema).optional(),
  result: artifactRefSchema,
  resumed: z.string().nullable(),
});
export type RunManifest = z.output<typeof runManifestSchema>;
