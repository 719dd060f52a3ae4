/** Whatever can be known before texts are released is known before: each kind of failure that was once found after it,
 *  tried on everyone who releases, leaves the ledger as it was. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { importAdapter, type ClientDependencies, type TunedAdapter } from '../../../activities/client/index.ts';
import { inspect } from '../../../activities/client/inspect.ts';
import { OWNERS_WORD } from '../../support/owners-word.ts';
import { preparePrediction } from '../../../activities/client/predict.ts';
import {
  adapterCardSchema,
  DEFAULT_BACKBONE,
  parseTuningConfig,
  type TuningConfig,
  type TuningInput,
} from '../../../contracts/index.ts';
import { Encoder, locateBackbone, openBackbone, openLocated, readFrameIds } from '../../../rapt/backbone/index.ts';
import { dryRun, privatize, releaseTables } from '../../../rapt/client/index.ts';
import { inspectTables } from '../../../rapt/data/index.ts';
import { runFile } from '../../../rapt/home.ts';
import { Ledger } from '../../../rapt/ledger/index.ts';
import { tune } from '../../../rapt/local/index.ts';
import { createMechanism } from '../../../rapt/privacy/index.ts';
import { tf } from '../../../rapt/tensorflow.ts';
import { createIssuer, createMinioStore, ensureLender, newToken } from '../../../storage/index.ts';
import { dryStep, trainingMemory } from '../../../rapt/tuning/index.ts';
import { writeChangedModel, type ModelChanges } from '../../support/changed-model.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { minioOfFile } from '../../support/minio.ts';
import { TINY, writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const { server } = await minioOfFile();
const { endpoint, bucket } = server.options;
const lender = (await ensureLender(server.options, newToken()))!.keys;
const issue = createIssuer({ endpoint, bucket, keys: lender, durationSeconds: 900 });
/** With a client's rights, which importing and predicting must do with. */
const store = createMinioStore({ endpoint, bucket, keys: () => issue({ kind: 'client', tenant: 'local' }) });
/** Positions that are left of the tiny model's 64 beside 20 virtual, 8 plain and 2 special tokens. */
const ROOM = TINY.positions - 20 - 8 - 2;
const rowsOf = (length: number): string[] =>
  Array.from(
    { length: 40 },
    (_, row) =>
      `${Array.from({ length }, (_, word) => `w${5 + ((row + word) % 50)}`).join(' ')},${row % 2 === 0 ? 'a' : 'b'}`,
  );

function table(name: string, rows: readonly string[], head = 'text,label'): string {
  const path = join(folder, `${name}.csv`);
  writeFileSync(path, `${[head, ...rows].join('\n')}\n`);
  return path;
}

const good = table('good', rowsOf(6));
const long = table('long', rowsOf(ROOM + 1));
const tiny = writeTinyModel(join(folder, 'tiny'));
const model = (name: string, changes: ModelChanges): string => writeChangedModel(join(folder, name), changes);

interface Input extends Omit<TuningInput, 'data'> {
  readonly data?: Partial<NonNullable<TuningInput['data']>>;
}

function configOf(input: Input): TuningConfig {
  const parsed = parseTuningConfig({ backbone: tiny, ...input, data: { train: good, ...input.data } });
  assert.ok(parsed.ok);
  return parsed.value;
}

/** A client of its own, with an adapter that was imported under the name "asked". */
async function client(
  name: string,
  beforehand: Failure['beforehand'] = () => undefined,
): Promise<{ home: string; entries: () => Promise<unknown> }> {
  const home = join(folder, 'clients', name.replaceAll(/\W+/g, '-'));
  cpSync(template, home, { recursive: true });
  await beforehand(home);
  return {
    home,
    entries: async () => ({
      releases: await new Ledger(join(home, 'local')).releases(),
      files: filesUnder(join(home, 'local', 'ledger')),
    }),
  };
}

const filesUnder = (path: string): string[] =>
  existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }).sort() : [];

const template = join(folder, 'template');
const peft = join(folder, 'peft');
const dependencies = (home: string): ClientDependencies => ({ store, home });

before(async () => {
  const tuning = { epochs: 1, pooling: 'pooler', length: 4, reconstruction: false } as const;
  await tune(
    { data: { train: good }, backbone: tiny, tuning, audit: false },
    { adapter: peft, home: join(folder, 'elsewhere') },
  );
  await importAdapter(
    { store, home: template },
    { folder: peft, run: 'asked', classes: ['a', 'b'], config: configOf({ data: { maxTokens: 58 } }) },
  );
});

/** Everyone who releases, and what of a configuration each of them takes. */
const releasers = {
  run: async (home: string, config: TuningConfig) =>
    inspect(dependencies(home), { run: 'x', config, admission: OWNERS_WORD }),
  // What spends, by itself: for runs whose inspection was done by an earlier version.
  'privatize stage': async (home: string, config: TuningConfig) => releaseTables({ home, run: 'x', config }),
  tune: async (home: string, config: TuningConfig, { adapter = join(home, 'adapter') }: Outputs = {}) =>
    tune(config, { adapter, home }),
  privatize: async (home: string, config: TuningConfig, { output = join(home, 'noisy.csv') }: Outputs = {}) => {
    const backbone = await openBackbone(config.backbone);
    return privatize({
      input: config.data.train,
      output,
      backbone,
      mechanism: createMechanism({ name: 'exponential', eta: 14, ...backbone }),
      home,
      maxTokens: config.data.maxTokens,
    });
  },
  import: async (home: string, config: TuningConfig, { adapter = peft }: Outputs = {}) =>
    importAdapter({ store, home }, { folder: adapter, run: 'other', classes: ['a', 'b'], config }),
  predict: async (
    home: string,
    config: TuningConfig,
    { output = join(home, 'answers.csv'), ...columns }: Outputs = {},
  ) => {
    const context = {
      info: {},
      heartbeat: () => undefined,
      cancellationSignal: new AbortController().signal,
    } as unknown as Context;
    return asyncLocalStorage.run(context, () =>
      preparePrediction(dependencies(home), {
        tenant: 'local',
        run: 'asked',
        prediction: 'asked-predict-1',
        in: config.data.train,
        out: output,
        ...columns,
        asked: null as never,
        admit: () => Promise.resolve(OWNERS_WORD),
      }),
    );
  },
} as const;
type Releaser = keyof typeof releasers;

interface Outputs {
  readonly adapter?: string;
  readonly output?: string;
  readonly pairColumn?: string;
}

interface Failure {
  readonly by: Partial<Record<Releaser, RegExp>>;
  readonly input: () => Input;
  readonly outputs?: Outputs;
  /** What happens on the client before. */
  readonly beforehand?: (home: string) => void | Promise<void>;
}

const everyTraining = (message: RegExp): Failure['by'] => ({ run: message, 'privatize stage': message, tune: message });
const everyone = (message: RegExp): Failure['by'] => ({
  ...everyTraining(message),
  privatize: message,
  import: message,
});
const lacks = new RegExp(
  'model\\.safetensors: has no tensor encoder\\.layer\\.1\\.attention\\.output\\.LayerNorm\\.weight, ' +
    'which a model of type bert has',
);
const noNumber = (changes: Record<string, number>): ModelChanges => ({
  tensors: (tensors) => Object.entries(changes).forEach(([name, value]) => (tensors[name]!.values[3] = value)),
});

/** Changes what the client remembers of the adapter. */
async function edited(
  home: string,
  change: (record: TunedAdapter) => TunedAdapter | Promise<TunedAdapter>,
): Promise<void> {
  const path = runFile(home, 'local', 'asked', 'import.json');
  writeFileSync(path, JSON.stringify(await change(JSON.parse(readFileSync(path, 'utf8')) as TunedAdapter)));
}

/** As of a run whose training texts were all shorter than data.maxTokens lets them be. */
async function tunedOnShorterTexts({ config, adapter }: TunedAdapter): Promise<TunedAdapter> {
  const card = adapterCardSchema.parse(JSON.parse((await store.get(adapter.files['rapt.json'])).toString('utf8')));
  const key = adapter.files['rapt.json'].key.replace('/rapt.json', '-longer/rapt.json');
  const longer = await store.put(key, Buffer.from(JSON.stringify({ ...card, maxTokens: 480 })));
  return {
    config: { ...config, data: { ...config.data, maxTokens: 480 } },
    adapter: { ...adapter, files: { ...adapter.files, 'rapt.json': longer } },
  };
}

const FAILURES: Record<string, Failure> = {
  'a backbone that lacks a tensor': {
    by: everyone(lacks),
    input: () => ({
      backbone: model('lacking', {
        tensors: (tensors) => delete tensors['encoder.layer.1.attention.output.LayerNorm.weight'],
      }),
    }),
  },
  'weights of another shape than config.json says': {
    by: everyone(/its tensor encoder\.layer\.0\.intermediate\.dense\.weight is 24 x 16, and config\.json says 32 x 16/),
    input: () => ({ backbone: model('wider', { config: { intermediate_size: 32 } }) }),
  },
  'a family that is not known': {
    by: everyone(/config\.json: model_type "t5" is not supported/),
    input: () => ({ backbone: model('family', { config: { model_type: 't5' } }) }),
  },
  'a Git LFS pointer instead of weights': {
    by: everyone(/model\.safetensors is a Git LFS pointer.*git lfs pull/),
    input: () => {
      const pointer = writeTinyModel(join(folder, 'pointer'));
      writeFileSync(
        join(pointer, 'model.safetensors'),
        'version https://git-lfs.github.com/spec/v1\noid ' +
          'sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 90868376\n',
      );
      return { backbone: pointer };
    },
  },
  'one token more than the embedding table has rows': {
    by: everyone(
      /tokenizer\.json: has 61 tokens, and the model's embedding table has 60 rows: the last token has no embedding/,
    ),
    input: () => ({
      backbone: model('token', {
        tokenizer: ({ added_tokens: added }) => added.push({ ...added[0], id: 60, content: '[EXTRA]', special: false }),
      }),
    }),
  },
  'an embedding that is no number': {
    by: everyone(/row 0 of its embedding table holds a value that is no finite number/),
    input: () => ({ backbone: model('embedding', noNumber({ 'embeddings.word_embeddings.weight': NaN })) }),
  },
  'a weight that is no number': {
    by: {
      run: /backbone: its loss on \d+ rows of public tokens, or the gradient of that, is no number/,
      tune: /backbone: its loss on/,
      import: /adapter: its answer to public tokens is no number/,
    },
    input: () => ({
      backbone: model('weight', noNumber({ 'encoder.layer.1.attention.self.value.weight': NaN })),
      data: { maxTokens: 32 },
    }),
  },
  'texts longer than the positions': {
    by: everyTraining(
      new RegExp(
        `data\\.maxTokens: lets ${ROOM + 1} tokens of a row pass; the backbone has 64 positions, and 20 virtual, 8 ` +
          `plain, 2 special tokens stand beside them: set it to at most ${ROOM}`,
      ),
    ),
    input: () => ({ data: { train: long } }),
  },
  'an adapter that leaves no room for the texts that it is to be asked about': {
    by: {
      import: new RegExp(
        '--max-tokens: is 64; the backbone has 64 positions, and 4 virtual, 2 special tokens stand beside the text: ' +
          'set it to at most 58',
      ),
    },
    input: () => ({ data: { maxTokens: 64 } }),
  },
  'virtual tokens that leave no position': {
    by: everyTraining(
      new RegExp(
        'tuning\\.length: leaves no position for a text: the backbone has 64, and 60 virtual, 8 plain, 2 special ' +
          'tokens stand beside it',
      ),
    ),
    input: () => ({ tuning: { length: 60 } }),
  },
  'a question longer than the positions, to an adapter of shorter texts': {
    by: {
      predict: new RegExp(
        'longest\\.csv, row 0: has 59 tokens; the backbone has 64 positions, and 4 virtual, 2 special tokens stand ' +
          'beside them: shorten the texts to 58 tokens',
      ),
    },
    input: () => ({ data: { train: table('longest', rowsOf(59)) } }),
    beforehand: (home) => edited(home, tunedOnShorterTexts),
  },
  'a backbone without the pooler that the head reads': {
    by: {
      ...everyTraining(/tuning\.pooling: the backbone has no pooler of its own/),
      import: /tuning\.pooling: the backbone has no pooler/,
    },
    input: () => ({
      backbone: model('poolerless', { names: (name) => name.replace(/^pooler/, 'other') }),
      tuning: { pooling: 'pooler' },
    }),
  },
  'a head that is trained with the task, of another family': {
    by: everyTraining(/tuning\.pooling: the backbone has no pooler of its own/),
    input: () => ({ backbone: model('roberta', { config: { model_type: 'roberta' } }), tuning: { pooling: 'pooler' } }),
  },
  'public sentences that are not there': {
    by: {
      run: /audit\.publicText: .*missing\.txt does not exist/,
      tune: /audit\.publicText: .*missing\.txt does not exist/,
    },
    input: () => ({ audit: { publicText: join(folder, 'missing.txt') } }),
  },
  'a baseline that has not finished': {
    by: { run: /baseline: run yesterday has not finished on this client/ },
    input: () => ({ baseline: 'yesterday', gates: { accuracy: '>=baseline' } }),
  },
  'one label': {
    by: everyTraining(/has the same label in every training row/),
    input: () => ({
      data: {
        train: table(
          'one-label',
          rowsOf(5).map((row) => row.replace(/.$/, 'a')),
        ),
      },
    }),
  },
  'a label in the test table alone': {
    by: everyTraining(/test\.csv, line 42 \(row 41\), column "label": holds a label that no training row has/),
    input: () => ({ data: { train: good, test: table('test', [...rowsOf(5), 'w7,c']) } }),
  },
  'too few rows to hold some out': {
    by: everyTraining(/is too small for held-out test rows; give data\.test/),
    input: () => ({ data: { train: table('few', rowsOf(5).slice(0, 2)), testFraction: 0.001 } }),
  },
  'a column that is not there': {
    by: { ...everyTraining(/text/), privatize: /text/, predict: /text/ },
    input: () => ({ data: { train: table('columns', rowsOf(5), 'words,label') } }),
  },
  'outputs in a folder that is not there': {
    by: { privatize: /cannot be written/, tune: /^\/proc\/no\/adapter: cannot be written/ },
    input: () => ({}),
    outputs: { output: '/proc/no/such.csv', adapter: '/proc/no/adapter' },
  },
  'answers that cannot be written': {
    by: { predict: /^\/proc\/answers\.csv: cannot be written/ },
    input: () => ({}),
    outputs: { output: '/proc/answers.csv' },
  },
  'answers in place of the questions': {
    by: { predict: /is the table that is asked about/ },
    input: () => ({}),
    outputs: { output: good },
  },
  'pairs asked of an adapter of single texts': {
    by: { predict: /pairColumn: run asked was tuned on single texts; leave it out/ },
    input: () => ({}),
    outputs: { pairColumn: 'label' },
  },
  'a backbone that has other weights by now': {
    by: { predict: /trained on other weights/ },
    input: () => ({}),
    beforehand: (home) =>
      edited(home, ({ config, adapter }) => ({
        adapter,
        config: { ...config, backbone: writeTinyModel(join(home, 'other'), 2) },
      })),
  },
  'an adapter whose weights the store has lost': {
    by: { predict: /adapter_model\.safetensors/ },
    input: () => ({}),
    beforehand: (home) =>
      edited(home, ({ config, adapter }) => ({
        config,
        adapter: {
          ...adapter,
          files: {
            ...adapter.files,
            'adapter_model.safetensors': {
              ...adapter.files['adapter_model.safetensors'],
              key: 'lost/adapter_model.safetensors',
            },
          },
        },
      })),
  },
};

for (const [name, { by, input, outputs, beforehand }] of Object.entries(FAILURES))
  for (const [releaser, message] of Object.entries(by) as [Releaser, RegExp][])
    test(`${releaser}: ${name} is told before anything is paid`, async () => {
      const { home, entries } = await client(`${releaser} ${name}`, beforehand);
      const earlier = await entries();
      await assert.rejects(releasers[releaser](home, configOf(input()), outputs), (error: Error) => {
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(await entries(), earlier);
    });

for (const releaser of ['privatize stage', 'tune', 'privatize', 'predict'] as const)
  test(`${releaser}: what can be released is paid for`, async () => {
    const { home, entries } = await client(`${releaser} well`);
    const earlier = await entries();
    // The predictions of the test have a context without what uploads need: they end after the draw.
    await releasers[releaser](home, configOf({ tuning: { epochs: 1 }, audit: false })).catch((error: unknown) =>
      assert.equal(releaser, 'predict', String(error)),
    );
    assert.notDeepEqual(await entries(), earlier);
  });

/** The tiny model is of no size that memory is short of. */
async function planned(input: Input): Promise<Parameters<typeof dryRun>[0]> {
  const config = configOf(input);
  const files = await locateBackbone(config.backbone);
  return { config, files, inspection: await inspectTables(config.data), backbone: await openLocated(files) };
}

test('a step too large for the memory is refused with the batch that fits; elsewhere it is told', async () => {
  const run = await planned({ tuning: { batchSize: 32 } });
  const memory = 2_000_000;
  const here = await dryRun(run, { trainsHere: true, memory });
  assert.deepEqual(
    here.problems.map(({ where }) => where),
    ['tuning.batchSize'],
  );
  const refused = new RegExp(
    '^a step of 32 rows, the longest of 6 tokens, takes about 0\\.0 GiB of memory, and this machine has 0\\.0 GiB; ' +
      'set tuning\\.batchSize to at most (\\d+), or lower data\\.maxTokens$',
  );
  const [, most] = refused.exec(here.problems[0]!.problem) ?? [];
  assert.ok(Number(most) >= 1 && Number(most) < 32, here.problems[0]!.problem);
  assert.deepEqual(await dryRun(await planned({ tuning: { batchSize: Number(most) } }), { trainsHere: true, memory }), {
    problems: [],
    notes: [],
  });
  const elsewhere = await dryRun(run, { trainsHere: false, memory });
  assert.deepEqual([elsewhere.problems, elsewhere.notes.length], [[], 1]);
  assert.match(elsewhere.notes[0]!, /more than the client's machine has, and the machine that trains must have it$/);
  const tooSmall = await dryRun(run, { trainsHere: false, memory: 1000 });
  assert.match(tooSmall.notes[0]!, /the model was not tried out beforehand$/);
});

test('what a dry run took of TensorFlow is free afterwards', async () => {
  const run = await planned({});
  const before = tf.memory().numTensors;
  assert.deepEqual(await dryRun(run, { trainsHere: false }), { problems: [], notes: [] });
  assert.equal(tf.memory().numTensors, before);
});

/** Of the arrays that a step holds at once, by TensorFlow's own account. */
const STATED_FACTOR = 1.15;
const SHAPES: Record<string, TuningInput['tuning']> = {
  'a prefix': { method: 'prefix', length: 20 },
  'a soft prompt': { method: 'prompt', length: 20 },
  'no reconstruction': { reconstruction: false },
  'much reconstruction': { reconstruction: { plainTokens: 60, vocabularySize: 20_000 } },
  "the model's own pooler": { pooling: 'pooler' },
};

for (const [name, tuning] of Object.entries(SHAPES))
  test(`the memory that is told for ${name} is what a step takes, within a factor of ${STATED_FACTOR}`, async () => {
    const { files, backbone, config } = await planned({ backbone: DEFAULT_BACKBONE, tuning: tuning! });
    const options = config.tuning;
    const before = tf.memory().numBytes;
    const encoder = new Encoder(files.folder);
    let rows = 0;
    const { peakBytes } = await tf.profile(async () => {
      ({ rows } = await dryStep({
        encoder,
        frame: readFrameIds(files.folder),
        ...backbone,
        options,
        classes: 2,
        labelNoise: null,
        pair: false,
        tokens: 64,
        mostRows: 6,
      }));
      return [];
    });
    const { plainTokens, vocabularySize } =
      options.reconstruction === false ? { plainTokens: 0, vocabularySize: 0 } : options.reconstruction;
    const { fixedBytes, rowBytes } = trainingMemory({
      config: encoder.config,
      options,
      classes: 2,
      reconstructionVocabulary: vocabularySize,
      ids: 64 + plainTokens + 2,
    });
    encoder.dispose();
    const ratio = (fixedBytes + rows * rowBytes) / (peakBytes - before);
    assert.ok(rows > 1 && ratio < STATED_FACTOR && ratio > 1 / STATED_FACTOR, `${ratio} of ${rows} rows`);
  });
