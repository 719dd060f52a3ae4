/** Adapters of Rapt in Hugging Face PEFT, and PEFT's in Rapt, by the real packages: the same logits, the same hidden
 *  states. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { DEFAULT_BACKBONE_ON_HUB, type AdapterCard, type BadInput, type Sha256 } from '../../contracts/index.ts';
import {
  Encoder,
  loadTokenizer,
  locateBackbone,
  readFrameIds,
  type FrameIds,
  type Tokenizer,
} from '../../rapt/backbone/index.ts';
import { encodeSafetensors, readSafetensors } from '../../rapt/safetensors.ts';
import {
  classifyExamples,
  encodeAdapter,
  normalValues,
  PARAMETER,
  readAdapter,
  readPeftConfig,
  readPeftWeights,
  seededStream,
  type Examples,
  type Parameters,
  type Pooling,
} from '../../rapt/tuning/index.ts';
import { layOut } from '../../rapt/tuning/examples.ts';
import { toVirtualTokens } from '../../rapt/tuning/virtual-tokens.ts';
import { sentences } from '../e2e/reviews.ts';
import { guarantee } from '../rapt/release/fakes.ts';
import { docsBlock } from '../support/docs-blocks.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runPython } from '../support/python.ts';
import { sized } from '../support/size.ts';

const BACKBONE = 'all-MiniLM-L6-v2';
const TEXTS = sized(48, 200);
const PAIRS = 40;
const MAX_TOKENS = 64;
const LENGTH = 6;
const CLASSES = ['bad', 'fair', 'good'];
const TOLERANCE = 1e-4;
const METHODS = ['prompt', 'prefix'] as const;
type Method = (typeof METHODS)[number];
/** Of a single one, so that both sides draw the same. */
const PLAIN = { vocabulary: [2158], tokensPerRow: 3 };
const KINDS = ['pooler', 'mean', 'pooler on pairs', 'pooler beside plain tokens', 'mean beside plain tokens'] as const;
type Kind = (typeof KINDS)[number];
const poolingOf = (kind: Kind): Pooling => (kind.startsWith('mean') ? 'mean' : 'pooler');

const folder = temporaryFolder();
const texts = sentences()
  .slice(0, TEXTS)
  .map(({ text }) => text);
const pairs = sentences()
  .slice(TEXTS, TEXTS + PAIRS)
  .map(({ text }) => text);
/** In the order in which they are asked of PEFT. */
const CASES = METHODS.flatMap((method) =>
  KINDS.map((kind) => ({ method, kind, folder: join(folder, `${method}-${kind}`) })),
);
const elsewhere = (method: Method): string => join(folder, `peft-${method}`);
const statesOf = (method: Method): string => join(folder, `${method}-states.safetensors`);

let encoder: Encoder;
let tokenizer: Tokenizer;
let frame: FrameIds;
let peft: {
  readonly exported: readonly number[][][];
  readonly found: readonly number[][][];
  readonly trained: readonly number[][][];
};

/** Large enough for each value to matter. */
function parametersOf(method: Method): Parameters {
  const { embeddingSize, hiddenSize, layers } = encoder.config;
  const normal = (name: string, shape: number[], deviation: number) => ({
    shape,
    values: normalValues(
      seededStream(7, name + method),
      shape.reduce((product, size) => product * size),
      deviation,
    ),
  });
  return {
    [PARAMETER.virtualTokens]: normal(
      PARAMETER.virtualTokens,
      method === 'prompt' ? [LENGTH, embeddingSize] : [LENGTH, layers * 2 * hiddenSize],
      method === 'prompt' ? 0.1 : 0.5,
    ),
    [PARAMETER.headWeight]: normal(PARAMETER.headWeight, [CLASSES.length, hiddenSize], 0.1),
    [PARAMETER.headBias]: normal(PARAMETER.headBias, [CLASSES.length], 1),
  };
}

function cardOf(method: Method, kind: Kind, sha256: Sha256): AdapterCard {
  return {
    format: 'rapt-adapter/1',
    backbone: { name: BACKBONE, sha256 },
    method,
    length: LENGTH,
    pooling: poolingOf(kind),
    classes: CLASSES,
    pair: kind === 'pooler on pairs',
    maxTokens: MAX_TOKENS,
    plain: kind.endsWith('plain tokens') && PLAIN,
    guarantee,
  };
}

/** All texts, or pairs of the first of them. */
function examplesOf({ pair, plain }: Pick<AdapterCard, 'pair' | 'plain'> = { pair: false, plain: false }): Examples {
  const ragged = (of: readonly string[]) => {
    const rows = of.map((text) => tokenizer.encode(text, MAX_TOKENS));
    let end = 0;
    return {
      offsets: Int32Array.from([0, ...rows.map(({ length }) => (end += length))]),
      ids: Int32Array.from(rows.flatMap((ids) => [...ids])),
    };
  };
  const first = pair ? texts.slice(0, PAIRS) : texts;
  const drawn = plain === false ? null : new Int32Array(first.length * plain.tokensPerRow).fill(plain.vocabulary[0]!);
  const beside =
    plain === false || drawn === null ? null : { perRow: plain.tokensPerRow, noisyIds: drawn, targets: drawn };
  return {
    count: first.length,
    text: ragged(first),
    pair: pair ? ragged(pairs) : null,
    plain: beside,
    labels: null,
    labelNoise: null,
    rows: Int32Array.from(first.keys()),
  };
}

/** The model as Hugging Face's own programs have it on a machine that fetched it from the hub. */
function hubHome(model: string): string {
  const home = join(folder, 'hub-home');
  const root = join(home, 'hub', `models--${DEFAULT_BACKBONE_ON_HUB.replace('/', '--')}`);
  const commit = '1'.repeat(40);
  for (const part of ['refs', 'snapshots']) mkdirSync(join(root, part), { recursive: true });
  writeFileSync(join(root, 'refs', 'main'), commit);
  symlinkSync(model, join(root, 'snapshots', commit));
  return home;
}

before(
  async () => {
    const backbone = await locateBackbone(BACKBONE);
    encoder = new Encoder(backbone.folder);
    tokenizer = await loadTokenizer(backbone.folder);
    frame = readFrameIds(backbone.folder);
    // Whose adapter and texts they are, is said here.
    const begin = docsBlock('files.md', 'import json, torch').replace(/^adapter, backbone, texts = .*\n/m, '');
    const model = docsBlock('files.md', 'BertForSequenceClassification.from_pretrained');
    const mean = [docsBlock('files.md', '(AutoModel.from_pretrained'), docsBlock('files.md', 'head = ')];
    // The lines behind the one that opens the model.
    const states = mean[0]!.split('\n').slice(1).join('\n');
    const logitsOf = model.split('\n').at(-1)!;
    const auto = docsBlock('files.md', 'AutoPeftModelForFeatureExtraction');
    const autoClassifier = auto
      .replaceAll('FeatureExtraction', 'SequenceClassification')
      .replace('(adapter)', '(adapter, num_labels=len(card["classes"]))');
    assert.equal(mean[1]!.split('\n').length, 5, 'five lines apply the head');
    for (const { method, kind, folder: place } of CASES) {
      const card = cardOf(method, kind, backbone.sha256);
      mkdirSync(place);
      for (const [file, bytes] of Object.entries(encodeAdapter(parametersOf(method), card, encoder.config)))
        writeFileSync(join(place, file), bytes);
    }
    peft = await runPython(
      'peft_side.py',
      {
        backbone: backbone.folder,
        texts,
        pairs,
        exported: CASES.map(({ method, kind, folder: place }) => ({
          folder: place,
          pairs: kind === 'pooler on pairs',
          // Pairs are not cut here: how Rapt shares the tokens between two texts is its own.
          blocks: [
            kind === 'pooler on pairs' ? begin.replace('card["maxTokens"] + 2', '400') : begin,
            ...(poolingOf(kind) === 'mean' ? mean : [model]),
          ],
          states: kind === 'mean' ? statesOf(method) : null,
        })),
        found: CASES.filter(({ kind }) => kind !== 'pooler on pairs').map(({ kind, folder: place }) => ({
          folder: place,
          pairs: false,
          blocks: poolingOf(kind) === 'mean' ? [begin, auto, states, mean[1]] : [begin, autoClassifier, logitsOf],
          states: null,
        })),
        trained: METHODS.map((method) => ({ folder: elsewhere(method), method })),
      },
      { HF_HOME: hubHome(backbone.folder) },
    );
  },
  { timeout: 900_000 },
);

const largestDifference = (found: ArrayLike<number>, expected: ArrayLike<number>): number => {
  assert.equal(found.length, expected.length);
  let largest = 0;
  for (let at = 0; at < found.length; at++) largest = Math.max(largest, Math.abs(found[at]! - expected[at]!));
  return largest;
};

type Asked = Pick<AdapterCard, 'pooling' | 'pair' | 'plain'>;

function assertEqualLogits(
  t: TestContext,
  parameters: Parameters,
  method: Method,
  { pooling, pair, plain }: Asked,
  expected: readonly number[][],
): void {
  const { logits } = classifyExamples(encoder, parameters, method, examplesOf({ pair, plain }), frame, { pooling });
  assert.ok(Math.max(...logits) - Math.min(...logits) > 0.5, 'logits differ among texts and classes');
  const difference = largestDifference(logits, expected.flat());
  t.diagnostic(
    `${expected.length} ${pair ? 'pairs' : 'texts'}, ${CLASSES.length} classes: largest difference of a logit ` +
      `${difference.toExponential(1)}, of logits from ${Math.min(...logits).toFixed(2)} to ` +
      Math.max(...logits).toFixed(2),
  );
  assert.ok(difference <= TOLERANCE, `${difference} apart`);
}

for (const [at, { method, kind, folder: place }] of CASES.entries())
  test(`a ${method} that Rapt wrote gives PEFT Rapt's own logits: ${kind}`, (t) => {
    const { card, parameters } = readAdapter(place);
    assertEqualLogits(t, parameters, method, card, peft.exported[at]!);
  });

for (const [at, { method, kind, folder: place }] of CASES.filter((one) => one.kind !== 'pooler on pairs').entries())
  test(`a ${method} that Rapt wrote finds its model by itself in PEFT, and gives the same logits: ${kind}`, (t) => {
    const { card, parameters } = readAdapter(place);
    assertEqualLogits(t, parameters, method, card, peft.found[at]!);
  });

for (const method of METHODS)
  test(`a ${method} that Rapt wrote gives PEFT Rapt's own hidden states`, (t) => {
    const batch = layOut(examplesOf(), Int32Array.from(texts.keys()), frame);
    const hidden = encoder.encode(
      batch,
      toVirtualTokens(method, parametersOf(method)[PARAMETER.virtualTokens]!, encoder.config),
    );
    const [, seq, size] = hidden.shape;
    const values = hidden.dataSync<'float32'>();
    const from = seq - batch.seq;
    const real = Array.from(batch.lengths, (length, row) =>
      values.subarray((row * seq + from) * size, (row * seq + from + length) * size),
    );
    hidden.dispose();
    const { states } = readSafetensors(statesOf(method));
    const difference = real.reduce((largest, row, at) => {
      const start = batch.lengths.subarray(0, at).reduce((sum, length) => sum + length, 0) * size;
      return Math.max(largest, largestDifference(row, states!.values.subarray(start, start + row.length)));
    }, 0);
    t.diagnostic(
      `${states!.shape[0]} positions of ${TEXTS} texts: largest difference of a hidden state ` +
        difference.toExponential(1),
    );
    assert.equal(
      states!.shape[0],
      batch.lengths.reduce((sum, length) => sum + length, 0),
    );
    assert.ok(difference <= TOLERANCE, `${difference} apart`);
  });

for (const [at, method] of METHODS.entries())
  test(`a ${method} that PEFT trained gives Rapt PEFT's logits`, (t) => {
    const config = readPeftConfig(elsewhere(method));
    assert.deepEqual([config.method, config.length], [method, LENGTH]);
    const { parameters, classes } = readPeftWeights(elsewhere(method), config, encoder.config);
    assert.equal(classes, CLASSES.length);
    assertEqualLogits(t, parameters, method, { pooling: 'pooler', pair: false, plain: false }, peft.trained[at]!);
  });

test('what PEFT wrote and cannot be used is refused by file and field', () => {
  const good = elsewhere('prefix');
  const broken = (file: string, change: (content: Buffer) => string | Buffer | null): string[] => {
    const place = join(folder, 'broken');
    cpSync(good, place, { recursive: true });
    const content = change(readFileSync(join(place, file)));
    if (content === null) rmSync(join(place, file));
    else writeFileSync(join(place, file), content);
    try {
      readPeftWeights(place, readPeftConfig(place), encoder.config);
      return [];
    } catch (error) {
      return (error as BadInput).problems.map(({ where, problem }) => `${where.replace(`${place}/`, '')}: ${problem}`);
    }
  };
  const config = (fields: object): string[] =>
    broken('adapter_config.json', (content) =>
      JSON.stringify({ ...(JSON.parse(content.toString()) as object), ...fields }),
    );
  const weights = (
    change: (tensors: Record<string, { shape: readonly number[]; values: Float32Array }>) => void,
  ): string[] =>
    broken('adapter_model.safetensors', () => {
      const tensors = { ...readSafetensors(join(good, 'adapter_model.safetensors')) };
      change(tensors);
      return encodeSafetensors(tensors);
    });
  assert.deepEqual(config({}), []);
  assert.deepEqual(config({ peft_type: 'LORA', task_type: 'CAUSAL_LM' }), [
    'adapter_config.json, peft_type: "LORA" cannot be imported; only PROMPT_TUNING and PREFIX_TUNING can',
    'adapter_config.json, task_type: "CAUSAL_LM" has no classifier; train with TaskType.SEQ_CLS',
  ]);
  assert.match(
    config({ num_virtual_tokens: 'six' })[0]!,
    /^adapter_config\.json, num_virtual_tokens: .*expected number/,
  );
  assert.match(
    config({ num_virtual_tokens: 7 })[0]!,
    /^adapter_model\.safetensors, prompt_embeddings: is 6 x 4608, and backbone and adapter_config\.json need 7 x 4608/,
  );
  assert.match(broken('adapter_config.json', () => null)[0]!, /^adapter_config\.json: does not exist/);
  assert.match(broken('adapter_config.json', () => '{')[0]!, /^adapter_config\.json: is not JSON/);
  assert.match(broken('adapter_model.safetensors', () => null)[0]!, /^adapter_model\.safetensors: does not exist/);
  assert.match(
    broken('adapter_model.safetensors', (content) => content.subarray(0, 1000))[0]!,
    /^adapter_model\.safetensors: is not a readable safetensors file/,
  );
  assert.match(
    weights((tensors) => delete tensors['base_model.classifier.bias'])[0]!,
    /^adapter_model\.safetensors, classifier\.bias: is missing/,
  );
  assert.match(
    weights((tensors) => delete tensors['prompt_embeddings'])[0]!,
    /^adapter_model\.safetensors, prompt_embeddings: is missing/,
  );
});
