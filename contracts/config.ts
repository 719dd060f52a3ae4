/** What a run is asked to do: one schema with a default and a description for every field. */
import { z } from 'zod';
import { ATTACKS } from './audit.ts';
import { gatesSchema, metricsAgainstBaseline } from './gates.ts';
import { parseWith, type Parsed } from './parse.ts';

/** Data sets that set-up provides, usable wherever a file is asked for. */
export const BUILT_IN_DATASETS = ['movie-reviews'] as const;
/** The backbone that set-up provides. */
export const DEFAULT_BACKBONE = 'all-MiniLM-L6-v2';
/** Its name on the model hub, and the digest of the weights that its authors published. */
export const DEFAULT_BACKBONE_ON_HUB = 'sentence-transformers/all-MiniLM-L6-v2';
export const DEFAULT_BACKBONE_SHA256 = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db';
/** The eta of each mechanism when none is given. */
export const DEFAULT_ETA = { exponential: 14, laplace: 75 } as const;

const tenantName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
    'use 1 to 40 lower-case letters, digits and hyphens, such as "acme-health"',
  );
/** Whether a text is the name of a tenant, which stands for itself in keys, policies and file names. */
export const isTenantName = (text: string): boolean => tenantName.safeParse(text).success;
const positiveInt = z.int().positive();
const rate = z.number().gt(0, 'must lie strictly between 0 and 1').lt(1, 'must lie strictly between 0 and 1');

const dataSchema = z.strictObject({
  train: z
    .string({
      error: ({ input }) =>
        input === undefined ? 'is needed: a table, or movie-reviews, the built-in data set' : undefined,
    })
    .min(1)
    .describe(
      'A table (.csv, .tsv, .jsonl, each also .gz, .parquet, .arrow or .feather) or a data set folder of ' +
        "Hugging Face, on the client worker's machine or at an s3:// address; or a built-in data set.",
    ),
  test: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Held-out table. Without it, the test split of a data set folder, else testFraction of the training rows, ' +
        'held out by a hash of the row number.',
    ),
  testFraction: rate
    .default(0.2)
    .describe('Share of the training rows that is held out for testing where no test table is given.'),
  textColumn: z.string().min(1).default('text').describe('Column of the texts.'),
  pairColumn: z.string().min(1).optional().describe('Second text of a pair task such as paraphrase or entailment.'),
  labelColumn: z.string().min(1).default('label').describe('Column of the classes, of any number and name.'),
  attributeColumns: z
    .array(z.string().min(1))
    .default([])
    .describe('Columns that an attribute-inference audit tries to guess. They never leave the client.'),
  maxTokens: z
    .int()
    .min(1)
    .max(480)
    .default(64)
    .describe(
      'Tokens kept of each row, of both texts together in a pair task; the rest is cut. ' +
        'Special and plain tokens are not counted.',
    ),
  maxTrainRows: positiveInt.optional().describe('Train on the first rows only.'),
  maxTestRows: positiveInt.optional().describe('Test on the first rows only.'),
});

/** The largest sums of eta, and of label epsilons, that may be spent: releases of one text add up. */
export const budgetSchema = z.strictObject({
  perText: z.number().positive().optional().describe('On any one text, over all its releases by this client.'),
  perTenant: z
    .number()
    .positive()
    .optional()
    .describe(
      'By the tenant: on a text that was in every release. ' +
        'Texts of one release that are nearly alike count as one text.',
    ),
  labels: z
    .number()
    .positive()
    .optional()
    .describe('Largest sum of label epsilons on the label of any one text. Labels that leave as they are exceed any.'),
});
export type Budget = z.output<typeof budgetSchema>;

/** Labels are drawn by whole numbers. They would lose more than one part in a hundred of a smaller epsilon (derivation
 *  in rapt/privacy/randomized-response.ts). */
export const LEAST_LABEL_EPSILON = 1e-4;
/** For a larger epsilon these numbers would not fit into 53 bits, and nothing would be hidden anyway. */
export const LARGEST_LABEL_EPSILON = 20;

const TOO_SMALL_LABEL_EPSILON =
  `must be at least ${LEAST_LABEL_EPSILON}: labels are drawn by whole numbers, ` +
  'which tell hardly anything of a label below it; leave it out to send labels as they are';

const privacySchema = z
  .strictObject({
    mechanism: z
      .enum(['exponential', 'laplace', 'none'])
      .default('exponential')
      .describe('How each token is replaced at random; none sends the texts as they are, for a baseline.'),
    eta: z
      .number()
      .positive()
      .max(100_000)
      .optional()
      .describe(
        'The d_chi-privacy parameter, in units of 1 / embedding distance: the smaller, the more is hidden. ' +
          `Default: ${DEFAULT_ETA.exponential} for exponential, ${DEFAULT_ETA.laplace} for laplace.`,
      ),
    targetUnchanged: rate
      .optional()
      .describe('Choose eta so that this share of public tokens stays itself; exclusive with eta.'),
    labelEpsilon: z
      .number()
      .min(LEAST_LABEL_EPSILON, TOO_SMALL_LABEL_EPSILON)
      .max(LARGEST_LABEL_EPSILON)
      .optional()
      .describe(
        'Draw each training label by randomized response under this epsilon, ' +
          'and tell the accuracy with noise of the same; without it labels leave as they are.',
      ),
    budget: budgetSchema
      .default({})
      .describe(
        'Largest sums of eta: the run is refused before anything is drawn when it would exceed this, ' +
          "or the client's own (rapt ledger budget).",
      ),
  })
  .superRefine((privacy, context) => {
    if (privacy.eta !== undefined && privacy.targetUnchanged !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['targetUnchanged'],
        message: 'give either eta or targetUnchanged, not both',
      });
    if (privacy.mechanism === 'none' && (privacy.eta !== undefined || privacy.targetUnchanged !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['mechanism'],
        message: '"none" adds no noise and takes neither eta nor targetUnchanged',
      });
  });

const reconstructionSchema = z.strictObject({
  plainTokens: z
    .int()
    .min(1)
    .max(200)
    .default(8)
    .describe('m: random plain tokens put before each text and privatized with it.'),
  vocabularySize: z
    .int()
    .min(2)
    .default(2000)
    .describe('|T|: the plain tokens are drawn from the first so many public output tokens.'),
  bottleneck: z.int().min(1).default(96).describe('c: width between W2 [c, hidden] and W1 [|T|, c].'),
  weight: z
    .number()
    .min(0)
    .default(0.5)
    .describe(
      'lambda in L = L_task + lambda * mean cross-entropy over the plain positions. ' +
        "The paper's sum is lambda = plainTokens.",
    ),
});

const auditAttacks = z.array(z.enum(ATTACKS));
const auditObject = z.strictObject({
  attacks: auditAttacks.default([...ATTACKS]).describe('Which attacks are run.'),
  maxTokens: positiveInt.default(20_000).describe('Tokens that are attacked, in texts spread evenly over the release.'),
  publicText: z
    .string()
    .min(1)
    .optional()
    .describe("Public sentences that the adversary may have, one a line: a file on the client worker's machine."),
});

const auditSchemaOfRun = z
  .union([z.literal(false), auditAttacks, auditObject])
  .transform((audit) =>
    audit === false
      ? auditObject.parse({ attacks: [] })
      : Array.isArray(audit)
        ? auditObject.parse({ attacks: audit })
        : audit,
  );

const tuningSchema = z.strictObject({
  method: z
    .enum(['prefix', 'prompt'])
    .default('prefix')
    .describe("Where the virtual tokens go: before each layer's own keys and values, or before the input alone."),
  length: z
    .int()
    .min(1)
    .max(400)
    .default(20)
    .describe("Virtual tokens: rows of the soft prompt, or key-value pairs put before each layer's own."),
  reconstruction: z
    .union([z.literal(false), reconstructionSchema])
    .default(() => reconstructionSchema.parse({}))
    .describe(
      'Reconstructing random plain tokens from their privatized form, ' +
        'which teaches the prompt to work on noisy text; false for none.',
    ),
  input: z
    .enum(['released', 'posterior'])
    .default('released')
    .describe(
      'What the frozen model reads of a released token: its own embedding, ' +
        'or the mean of the embeddings of all tokens that may have stood there.',
    ),
  pooling: z
    .enum(['mean', 'pooler'])
    .default('mean')
    .describe(
      'What the classification head reads: the mean over [CLS], text and [SEP]; ' +
        "or the backbone's own pooler at the first position, as Hugging Face's BertForSequenceClassification does, " +
        'so that the adapter is whole in PEFT.',
    ),
  labelCorrection: z
    .enum(['forward', 'unbiased', 'none'])
    .default('forward')
    .describe(
      'How the loss allows for labels that were drawn under privacy.labelEpsilon: ' +
        "by the drawn label's own probability, by an unbiased estimate of the true label's loss, or not at all.",
    ),
  epochs: positiveInt.max(10_000).default(5).describe('Passes over the training rows.'),
  // A list, so that a run which is extended ends with the same adapter as one that had its extensions from the
  // beginning.
  extensions: z
    .array(positiveInt.max(10_000))
    .max(100)
    .default([])
    .describe(
      'Epochs added after the end, by rapt extend: a phase of training each, ' +
        'with a warm-up and a fall of the learning rate of its own.',
    ),
  batchSize: positiveInt.max(4096).default(32).describe('Rows of one optimizer step.'),
  learningRate: z.number().positive().default(3e-3).describe('Largest learning rate of the virtual tokens.'),
  headLearningRate: z
    .number()
    .positive()
    .default(1e-3)
    .describe('Learning rate of the classification and reconstruction heads.'),
  weightDecay: z.number().min(0).default(0.01).describe('Weight decay, apart from the gradient (AdamW).'),
  warmup: z
    .number()
    .min(0)
    .lt(1)
    .default(0.06)
    .describe('Share of all steps during which the learning rate rises linearly; afterwards it falls linearly to 0.'),
  clipNorm: z.number().positive().default(1).describe('Global norm to which gradients are clipped.'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(0)
    .describe('Of the initial weights and the order of the rows. Noise is never seeded.'),
  checkpointEverySteps: positiveInt.default(50).describe('Steps between two checkpoints.'),
  keepCheckpoints: positiveInt
    .max(1000)
    .default(3)
    .describe('Newest checkpoints that stay in the store, besides the one of least loss.'),
});

export const tuningConfigSchema = z
  .strictObject({
    tenant: tenantName
      .default('local')
      .describe("Whose data it is: names the client's queue and everything that is kept."),
    data: dataSchema
      .default(() => dataSchema.parse({ train: 'movie-reviews', maxTrainRows: 4000, maxTestRows: 1500 }))
      .describe('The tables, their columns, and how much of them is used.'),
    privacy: privacySchema
      .default(() => privacySchema.parse({}))
      .describe('How the texts are privatized before anything leaves.'),
    backbone: z
      .string()
      .min(1)
      .default(DEFAULT_BACKBONE)
      .describe('A folder with config.json, model.safetensors and a tokenizer, or a hub name.'),
    tuning: tuningSchema.default(() => tuningSchema.parse({})).describe('What is trained, and how.'),
    audit: auditSchemaOfRun
      .default(() => auditObject.parse({}))
      .describe(
        'Attacks that the client runs on its own release: ' +
          'a list of them, false for none, or an object with their size.',
      ),
    gates: gatesSchema
      .default({})
      .describe(
        'Conditions that must hold, or the command ends with code 3: ' +
          'a metric and its bound, such as { "accuracy": ">=0.7" }, or several in a list. ' +
          '"baseline" stands for what the run named by baseline reached: ">= baseline - 0.01".',
      ),
    baseline: z
      .string()
      .min(1)
      .optional()
      .describe('An earlier run, finished on the same client, that gates compare with.'),
    resumeFrom: z
      .union([z.string().min(1), z.array(z.string().min(1)).max(100)])
      .default([])
      .transform((runs) => (typeof runs === 'string' ? [runs] : runs))
      .describe(
        'An earlier run whose checkpoint is taken over when the configuration fits; ' +
          'or several, of which the first that has one is.',
      ),
  })
  .superRefine(({ gates, baseline }, context) => {
    if (baseline !== undefined) return;
    for (const metric of metricsAgainstBaseline(gates))
      context.addIssue({
        code: 'custom',
        path: ['gates', metric],
        message:
          'compares with a baseline, and none is named; set baseline to the id of a finished run (--baseline ID)',
      });
  });

/** The one JSON input of `raptTuning`, every default filled in. */
export type TuningConfig = z.output<typeof tuningConfigSchema>;
/** What a person writes: any part of it, down to `{}`. */
export type TuningInput = z.input<typeof tuningConfigSchema>;
export type DataConfig = TuningConfig['data'];
export type PrivacyConfig = TuningConfig['privacy'];
export type TuningOptions = TuningConfig['tuning'];

/** The epochs of all phases together. */
export const totalEpochs = ({ epochs, extensions }: Pick<TuningOptions, 'epochs' | 'extensions'>): number =>
  extensions.reduce((sum, more) => sum + more, epochs);
export type ReconstructionOptions = Exclude<TuningOptions['reconstruction'], false>;

export const predictInputSchema = z.strictObject({
  /** Workflow id of the tuning run whose adapter answers. */
  run: z.string().min(1),
  tenant: tenantName.default('local'),
  /** The table on the client worker's machine, and the file to which it writes the answers. */
  in: z.string().min(1),
  out: z.string().regex(/\.(csv|jsonl)$/, 'must end in .csv or .jsonl'),
  textColumn: z.string().min(1).optional(),
  pairColumn: z.string().min(1).optional(),
  /** The column of labels, if the table has them. Accuracy is then reported. */
  labelColumn: z.string().min(1).optional(),
});
export type PredictInput = z.output<typeof predictInputSchema>;

/** Checks a configuration and fills in its defaults. On failure all problems are listed, each with the field's path. */
export function parseTuningConfig(input: unknown): Parsed<TuningConfig> {
  return parseWith(tuningConfigSchema, input);
}

export function parsePredictInput(input: unknown): Parsed<PredictInput> {
  return parseWith(predictInputSchema, input);
}
