/** The frozen forward against PyTorch, transformers and PEFT; fixtures by test/fixtures/backbone/make.py. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  Encoder,
  loadTokenizer,
  locateBackbone,
  type EncoderBatch,
  type VirtualTokens,
} from '../../../rapt/backbone/index.ts';
import { cacheFolder } from '../../../rapt/cache.ts';
import { readSafetensors, type FloatTensor } from '../../../rapt/safetensors.ts';
import { tf } from '../../../rapt/tensorflow.ts';
import { toVirtualTokens } from '../../../rapt/tuning/virtual-tokens.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/backbone/', import.meta.url));
const MINILM = 'all-MiniLM-L6-v2';
const TOLERANCE = 1e-4;

interface StoredBatch {
  readonly ids: readonly (readonly number[])[];
  readonly tokenTypes: readonly (readonly number[])[];
  readonly lengths: readonly number[];
}

const cases = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

for (const name of cases) {
  const folder = join(FIXTURES, name);
  const stored = JSON.parse(readFileSync(join(folder, 'batch.json'), 'utf8')) as StoredBatch;
  const expected = readSafetensors(join(folder, 'expected.safetensors'));
  const encoder = new Encoder(name === MINILM ? join(cacheFolder(), 'backbones', MINILM) : folder);

  test(`${name}: hidden states equal PyTorch's within ${TOLERANCE}, in a padded batch and row by row`, () => {
    closeTo(realStates(encoder, batchOf(stored), {}), expected['none']!);
    const alone = stored.ids.map((_, row) =>
      batchOf({
        ids: [stored.ids[row]!.slice(0, stored.lengths[row])],
        tokenTypes: [stored.tokenTypes[row]!.slice(0, stored.lengths[row])],
        lengths: [stored.lengths[row]!],
      }),
    );
    closeTo(
      alone.flatMap((batch) => realStates(encoder, batch, {})),
      expected['none']!,
    );
  });

  for (const method of ['prompt', 'prefix'] as const) {
    if (!existsSync(join(folder, method))) continue;
    test(`${name}: with a ${method} that PEFT saved, hidden states equal PEFT's within ${TOLERANCE}`, () => {
      const saved = readSafetensors(join(folder, method, 'adapter_model.safetensors'))['prompt_embeddings']!;
      const virtual = toVirtualTokens(method, saved, encoder.config);
      const { tokenTypes: _, ...untyped } = batchOf(stored);
      closeTo(realStates(encoder, untyped, virtual), expected[method]!);
    });
  }
}

test(`${MINILM}: the tokenizer gives the ids of Python's, for texts of every script and oddity`, async () => {
  const { texts, special } = JSON.parse(readFileSync(join(FIXTURES, 'tokens.json'), 'utf8')) as {
    texts: { text: string; ids: number[] }[];
    special: Record<'clsId' | 'sepId' | 'padId' | 'unknownId', number>;
  };
  const tokenizer = await loadTokenizer(join(cacheFolder(), 'backbones', MINILM));
  for (const { text, ids } of texts) assert.deepEqual([...tokenizer.encode(text, 10_000)], ids, JSON.stringify(text));
  const { clsId, sepId, padId, unknownId } = tokenizer;
  assert.deepEqual({ clsId, sepId, padId, unknownId }, special);
});

test('the one that set-up brings is said to come from there', async (t) => {
  const cache = process.env['RAPT_CACHE'] ?? '';
  process.env['RAPT_CACHE'] = join(FIXTURES, 'nothing');
  t.after(() => (process.env['RAPT_CACHE'] = cache));
  await assert.rejects(
    locateBackbone(MINILM),
    /backbone "all-MiniLM-L6-v2" is not on this machine yet; run `npm run setup`/,
  );
});

test('a backbone that is not there, or not whole, is refused with the way out', async () => {
  await assert.rejects(
    locateBackbone('no-such-model'),
    /backbone "no-such-model" is neither a folder .* nor a hub name/,
  );
  await assert.rejects(
    locateBackbone(join(FIXTURES, 'bert')),
    /lacks tokenizer\.json; a model folder needs config\.json, model\.safetensors, tokenizer\.json/,
  );
});

function batchOf({ ids, tokenTypes, lengths }: StoredBatch): EncoderBatch {
  return {
    batch: ids.length,
    seq: ids[0]!.length,
    ids: Int32Array.from(ids.flat()),
    tokenTypes: Int32Array.from(tokenTypes.flat()),
    lengths: Int32Array.from(lengths),
  };
}

/** States of all positions that are no padding, a prompt's included, row after row. */
function realStates(encoder: Encoder, batch: EncoderBatch, virtual: VirtualTokens): number[] {
  const hidden = encoder.encode(batch, virtual);
  const values = hidden.dataSync();
  const [, seq, width] = hidden.shape;
  const prompt = seq - batch.seq;
  hidden.dispose();
  const states: number[] = [];
  batch.lengths.forEach((length, row) =>
    states.push(...values.subarray(row * seq * width, (row * seq + prompt + length) * width)),
  );
  return states;
}

function closeTo(found: readonly number[], { values }: FloatTensor): void {
  assert.equal(found.length, values.length);
  let most = 0;
  found.forEach((value, at) => (most = Math.max(most, Math.abs(value - values[at]!))));
  assert.ok(most <= TOLERANCE, `largest difference ${most}`);
}

test('no tensor is left behind by a forward pass', () => {
  const folder = join(FIXTURES, 'bert');
  const encoder = new Encoder(folder);
  const batch = batchOf(JSON.parse(readFileSync(join(folder, 'batch.json'), 'utf8')) as StoredBatch);
  const before = tf.memory().numTensors;
  encoder.encode(batch).dispose();
  assert.equal(tf.memory().numTensors, before);
});
