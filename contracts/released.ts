/** What leaves the client of a run's results. Every result of a client's activity is held against its schema here, so a
 *  field that is not here cannot leave. Each field says why it may. docs/what-leaves.md is made from this file. */
import { z } from 'zod';
import { adapterRefSchema, artifactRefSchema, REPORT_FILES, releaseRefSchema, sha256Schema } from './artifacts.ts';
import { deniabilitySchema } from './audit.ts';
import { ErrorKind, RaptError } from './errors.ts';
import { guaranteeSchema } from './guarantee.ts';

/** A field with one reason for all that is in it. */
const whole = <T extends z.ZodType>(schema: T, reason: string): T => schema.meta({ description: reason, whole: true });

const rows = z.strictObject({
  train: z.int().describe('The release holds as many rows, and the provider trains on them.'),
  test: z.int().describe('The release holds as many rows, and the provider answers them.'),
});
const localKey = z
  .string()
  .describe('A keyed digest: without the key of the client it names a folder and says nothing of what is in it.');
const guarantee = whole(guaranteeSchema, 'Made of the settings and of the public embedding table alone.');
const release = whole(
  releaseRefSchema,
  'Names what the provider holds: the privatized release, by digests of its own bytes.',
);
const adapter = whole(adapterRefSchema, 'The provider made it, of what it holds.');

const share = z.number().min(0).max(1);
const rate = z.strictObject({
  value: share.describe(
    'A share of the attacked tokens, in steps of at least 0.01 and of at least 5 texts: a text of usual length ' +
      'moves it by a fifth of one.',
  ),
  low: share.describe('Lower end of its interval, rounded down to the same steps.'),
  high: share.describe('Upper end of its interval, rounded up to the same steps.'),
});

export const releasedMetricsSchema = z.strictObject({
  accuracy: share
    .nullable()
    .describe(
      'How good the service is, which is what it is paid for. In steps of at least 0.01 and of at least 5 test rows; ' +
        'where labels are protected, with noise besides; ' +
        'null below 20 test rows, and where the label budget has no more.',
    ),
  f1: share
    .nullable()
    .describe(
      'The same for classes of different sizes, in the same steps. ' +
        'Null where labels are protected: a second noisy figure would cost as much again.',
    ),
  n: z.int().describe('Test rows: the release holds as many.'),
  reconstruction: whole(
    z.strictObject({ accuracy: share, n: z.int() }).nullable(),
    'The provider measured it itself, on plain tokens that are public and were drawn without regard to the texts.',
  ),
});
export type ReleasedMetrics = z.output<typeof releasedMetricsSchema>;

const releasedAttack = z.strictObject({
  attack: z.string().describe('Name of an attack that the settings ask for.'),
  success: rate
    .nullable()
    .describe(
      'What the attack gets, which is what a reader must know to judge the release. Null below 20 texts or 500 tokens.',
    ),
  priorOnly: rate
    .nullable()
    .describe('What it gets without the release, without which the figure before says nothing. Null as that.'),
  mostFrequent: rate
    .nullable()
    .optional()
    .describe('What guessing the most frequent tokens gets, which the release itself tells. Null as that.'),
  n: z.int().describe('Tokens attacked: their number can be counted in the release.'),
});

export const releasedAuditSchema = z.strictObject({
  texts: z.int().describe('Texts attacked: which ones follows from the settings and the release.'),
  tokens: z.int().describe('Tokens attacked: their number can be counted in the release.'),
  attacks: z
    .array(releasedAttack)
    .describe('One for each attack on tokens. Nothing of attacks on attributes leaves: they are columns of the owner.'),
  deniability: whole(
    deniabilitySchema.nullable(),
    'A property of the mechanism on the public vocabulary; no text goes into it.',
  ),
});
export type ReleasedAudit = z.output<typeof releasedAuditSchema>;

const releasedGate = z.strictObject({
  gate: z.string().describe('A condition as the settings have it.'),
  value: z
    .number()
    .nullable()
    .describe('The value that is told elsewhere in this table. Null where it is not told, and for every attribute.'),
  passed: z
    .boolean()
    .nullable()
    .describe(
      'Follows from what is told, since gates are judged by that. Null for attributes: with bounds of its choice ' +
        'the provider would read a value that is not told.',
    ),
  bound: z.number().optional().describe('From the settings, or what is told of the baseline run.'),
  baseline: z
    .strictObject({
      run: z.string().describe('From the settings.'),
      value: z.number().describe('What is told of that run.'),
    })
    .optional()
    .describe('The run that the gate compares with.'),
});
const releasedGates = z.array(releasedGate).describe('Whether the run may be used, for those who wait for it.');

const earlierRun = z.strictObject({
  run: z.string().describe('Name of a run, which the provider gave or was given.'),
  accuracy: share.nullable().describe('What is told of that run.'),
});
const baselines = z
  .strictObject({
    named: earlierRun.nullable().describe('The run that the settings name.'),
    plain: earlierRun.nullable().describe('The newest run of the same settings without noise.'),
  })
  .describe('Earlier runs to see this one beside.');
const curve = whole(
  z.array(z.strictObject({ step: z.int(), loss: z.number(), accuracy: z.number() })),
  'The provider trained, and recorded it.',
);
const notes = z.array(z.string()).describe('How the tables were read: counts of rows, and shares in whole percents.');
const takenOver = z
  .int()
  .describe('Rows of the release that are the bytes of an earlier one: the provider holds both.');

const releasedReportSchema = z.strictObject({
  uri: z.string().describe('Where the sealed page lies in the store.'),
  link: z
    .string()
    .optional()
    .describe("Where the owner's browser finds it: an address of the owner's own machine, with tenant and run."),
  artifact: whole(artifactRefSchema, 'Digest and size of the sealed page: the store has both.'),
  files: whole(
    z.record(z.enum(REPORT_FILES), artifactRefSchema),
    'Digests and sizes of the other sealed files.',
  ).optional(),
  shown: z.strictObject({ baselines, curve }).optional().describe('What others show beside the results.'),
});

/** result.json, which is also what the workflow returns. */
export const releasedResultSchema = z.strictObject({
  workflowId: z.string().describe('The provider gave it.'),
  runId: z.string().describe('The provider gave it.'),
  status: z.literal('completed').describe('The provider saw it end.'),
  metrics: z.strictObject({ test: releasedMetricsSchema.describe('As the client told them.') }).describe('How good.'),
  privacy: z
    .strictObject({
      mechanism: guaranteeSchema.shape.mechanism.describe('From the settings.'),
      eta: z.number().nullable().describe('From the settings, or calibrated on the public table.'),
      unchangedRate: share.nullable().describe('As the client told it.'),
      backboneSha256: sha256Schema.describe('Digest of a public model.'),
      guarantee,
    })
    .describe('How private.'),
  audit: releasedAuditSchema.partial().describe('What attacks get; empty when none was run.'),
  gates: releasedGates,
  adapter: whole(z.strictObject({ uri: z.string(), sha256: sha256Schema }), 'The provider made it.'),
  release: z
    .strictObject({
      uri: z.string().describe('Where the release lies in the store.'),
      sha256: sha256Schema.describe('Digest of what the provider holds.'),
      reused: z.boolean().describe('Whether it lay there before: the provider sees that.'),
      takenOver: takenOver.optional(),
    })
    .describe('What it was trained on.'),
  report: z
    .strictObject({ uri: z.string().describe('Where the sealed page lies in the store.') })
    .describe('For the owner.'),
  resumed: z.string().nullable().describe('The provider resumed it.'),
  timing: whole(z.record(z.string(), z.number()), "Seconds by the workflow's clock, which is the provider's."),
  baselines: baselines.optional(),
  training: z.strictObject({ curve }).optional().describe('How the training went.'),
  notes: notes.optional(),
});
export type ReleasedResult = z.output<typeof releasedResultSchema>;

const nothing = z.undefined().describe('Nothing.');

/** The schemas, by the activity whose result it is. Besides there is result.json, the one object that a client stores
 *  unsealed. */
export const RELEASED = {
  inspect: z.strictObject({
    rows: rows.describe('How long the run will take follows from it, and the release holds them anyway.'),
    backbone: z
      .string()
      .optional()
      .describe("Name of a public model, or the word `folder` for one of the owner's own."),
    notes: notes.optional(),
  }),
  privatize: z.strictObject({
    localKey,
    digest: sha256Schema.describe('Of the manifest that is uploaded next.'),
    rows: rows.describe('The release holds them.'),
    unchangedRate: share
      .nullable()
      .describe(
        'What is left of a text to learn from. In steps of at least 0.01 and of at least 5 texts; ' +
          'null below 20 texts or 500 tokens.',
      ),
    guarantee,
    backboneSha256: sha256Schema.describe('Digest of a public model.'),
    reused: z.boolean().describe('Whether the release exists: the provider sees that nothing new is uploaded.'),
    takenOver: takenOver.optional(),
  }),
  publish: z.strictObject({
    digest: sha256Schema.describe('Of the manifest in the store.'),
    manifest: whole(artifactRefSchema, 'Where it lies, with its digest and size: the store has both.'),
  }),
  audit: releasedAuditSchema,
  score: z.strictObject({ metrics: releasedMetricsSchema.describe('How good.'), gates: releasedGates }),
  report: releasedReportSchema,
  register: nothing,
  notify: nothing,
  preparePrediction: z.strictObject({
    prediction: z.string().describe('The provider gave it.'),
    tenant: z.string().describe('From the question.'),
    localKey,
    release,
    adapter,
    backbone: z.string().describe("From the settings of the adapter's run."),
    guarantee,
    input: whole(
      z.strictObject({ path: z.string(), text: z.string(), pair: z.string().optional(), label: z.string().optional() }),
      'From the question, or the settings: the activity that writes the answers needs to find the table again.',
    ),
  }),
  finishPrediction: z.strictObject({
    rows: z.int().describe('The release holds as many.'),
    out: z.string().describe('From the question.'),
    accuracy: share
      .nullable()
      .describe(
        "As a run's accuracy: in steps, null below 20 labelled rows, once for each table and adapter; " +
          'null where labels are protected.',
      ),
  }),
  'result.json': releasedResultSchema,
} as const;
export type Released = keyof typeof RELEASED;

/** Returns a value that may leave, as it was given. @throws RaptError when it holds more than may leave, or has another
 *  form. The message does not quote values. */
export function onlyReleased<T>(what: Released, value: T): T {
  const parsed = RELEASED[what].safeParse(value);
  // The schemas change nothing but the type of digests.
  if (parsed.success) return parsed.data as T;
  const fields = parsed.error.issues.flatMap(({ path, code, ...issue }) => {
    const at = path.join('.');
    return code === 'unrecognized_keys' && 'keys' in issue
      ? issue.keys.map((key) => (at === '' ? key : `${at}.${key}`))
      : [at === '' ? 'the whole' : at];
  });
  throw new RaptError(
    ErrorKind.unexpected,
    `${what} would let out what contracts/released.ts does not: ${fields.join(', ')}; nothing left. ` +
      'Give the field a schema and a reason there, or leave it out',
  );
}
