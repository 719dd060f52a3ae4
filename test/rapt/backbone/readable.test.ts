/** Models as others saved them: read, or refused by file and tensor before anything is done with them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BadInput } from '../../../contracts/index.ts';
import { Encoder, openBackbone, readBackboneConfig, type EncoderBatch } from '../../../rapt/backbone/index.ts';
import type { FloatTensor } from '../../../rapt/safetensors.ts';
import { storeAs, writeChangedModel, type ModelChanges } from '../../support/changed-model.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TINY, writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
let made = 0;
const model = (changes: ModelChanges): string => writeChangedModel(join(folder, `model-${++made}`), changes);
const BATCH: EncoderBatch = {
  batch: 2,
  seq: 4,
  ids: Int32Array.of(2, 5, 9, 3, 2, 7, 3, 0),
  lengths: Int32Array.of(4, 3),
};

function statesOf(place: string): number[] {
  const encoder = new Encoder(place);
  const hidden = encoder.encode(BATCH);
  const states = [...hidden.dataSync()];
  hidden.dispose();
  encoder.dispose();
  return states;
}

/** What opening it says is wrong, without the folder's name. */
async function problemsOf(place: string): Promise<string[]> {
  try {
    await openBackbone(place);
  } catch (error) {
    assert.ok(error instanceof BadInput, String(error));
    return error.problems.map(({ where, problem }) => `${where}: ${problem}`.replaceAll(`${place}/`, ''));
  }
  return [];
}

const without =
  (pattern: RegExp) =>
  (tensors: Record<string, FloatTensor>): void => {
    for (const name of Object.keys(tensors)) if (pattern.test(name)) Reflect.deleteProperty(tensors, name);
  };

describe('a model gives the same states as under the names of today', () => {
  const expected = statesOf(writeTinyModel(join(folder, 'today')));
  const old = (name: string): string =>
    name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
  const cases: Record<string, ModelChanges> = {
    'whose layer norms are called gamma and beta': { names: old },
    "that stands under its family's name, with old names": { names: (name) => `bert.${old(name)}` },
    'that a trainer wrapped': { names: (name) => `model.text_encoder.${name}` },
    'without a pooler': { tensors: without(/^pooler/) },
    'whose config.json names its class alone': {
      config: { model_type: undefined, architectures: ['BertForMaskedLM'] },
    },
  };
  for (const [name, changes] of Object.entries(cases))
    it(name, async () => {
      const place = model(changes);
      assert.deepEqual(statesOf(place), expected);
      assert.deepEqual(await problemsOf(place), []);
    });

  for (const dtype of ['F16', 'BF16'] as const)
    it(`stored as ${dtype}, where its values are exact in both`, async () => {
      const round = ({ shape, values }: FloatTensor): FloatTensor => ({
        shape,
        values: values.map((value) => Math.round(value * 64) / 64),
      });
      const changes: ModelChanges = {
        tensors: (tensors) => Object.keys(tensors).forEach((name) => (tensors[name] = round(tensors[name]!))),
      };
      const [wide, narrow] = [model(changes), model(changes)];
      storeAs(join(narrow, 'model.safetensors'), dtype);
      assert.deepEqual(statesOf(narrow), statesOf(wide));
      assert.deepEqual(await problemsOf(narrow), []);
    });
});

describe('a model that cannot be read is refused when it is opened', () => {
  it('by the tensors that it lacks, the first five of them', async () => {
    assert.deepEqual(await problemsOf(model({ tensors: without(/layer\.1\.output\.LayerNorm\.bias/) })), [
      'model.safetensors: has no tensor encoder.layer.1.output.LayerNorm.bias, which a model of type bert has; ' +
        'save the model again with `save_pretrained` of transformers',
    ]);
    const many = await problemsOf(model({ tensors: without(/layer\.1\./) }));
    assert.equal(many.length, 6);
    assert.equal(many[5], 'model.safetensors: has 11 more problems like these; is config.json of this model?');
  });

  it('by the shapes in which files and config.json differ', async () => {
    assert.deepEqual(
      await problemsOf(model({ config: { vocab_size: TINY.vocabulary + 4, max_position_embeddings: 512 } })),
      [
        'model.safetensors: its tensor embeddings.word_embeddings.weight is 60 x 16, and config.json says 64 x 16; ' +
          'give both files of one model',
        'model.safetensors: its tensor embeddings.position_embeddings.weight is 64 x 16, and config.json says 512 ' +
          'x 16; give both files of one model',
      ],
    );
  });

  it('by a kind of numbers that is not read', async () => {
    const place = model({});
    storeAs(join(place, 'model.safetensors'), 'F64');
    assert.equal(
      (await problemsOf(place))[0],
      'model.safetensors: its tensor embeddings.word_embeddings.weight is F64; ' +
        'convert the model to F32, F16 or BF16',
    );
  });

  it('by several encoders in one file', async () => {
    const tensors = (all: Record<string, FloatTensor>): void => {
      for (const [name, tensor] of Object.entries(all))
        for (const side of ['query', 'document']) all[`${side}.${name}`] = tensor;
      without(/^(embeddings|encoder|pooler)/)(all);
    };
    assert.match(
      (await problemsOf(model({ tensors })))[0]!,
      /holds several encoders \(document\., query\.\); save the one that is meant by itself/,
    );
  });

  it('by a tokenizer with more tokens than the table has rows, with both numbers', async () => {
    const tokenizer: ModelChanges['tokenizer'] = ({ added_tokens: added }) =>
      added.push({
        id: TINY.vocabulary,
        content: '[NAME]',
        special: false,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      });
    assert.deepEqual(await problemsOf(model({ tokenizer })), [
      "tokenizer.json: has 61 tokens, and the model's embedding table has 60 rows: the last token has no " +
        'embedding; give the tokenizer that the model was saved with, or save the model after ' +
        '`resize_token_embeddings`',
    ]);
    const fewer: ModelChanges['tokenizer'] = ({ model: { vocab } }) =>
      void Reflect.deleteProperty(vocab, `w${TINY.vocabulary - 1}`);
    assert.deepEqual(await problemsOf(model({ tokenizer: fewer })), [], 'a padded table has rows without a token');
  });

  for (const value of [NaN, Infinity])
    it(`by a row of the embedding table that holds ${value}`, async () => {
      const tensors = (all: Record<string, FloatTensor>): void => {
        all['embeddings.word_embeddings.weight']!.values[7 * TINY.hidden + 3] = value;
      };
      assert.match(
        (await problemsOf(model({ tensors })))[0]!,
        /row 7 of its embedding table holds a value that is no finite number/,
      );
    });

  it('by a config.json that is none, or describes nothing that can be computed', async () => {
    const config = (content: string): string => {
      const place = model({});
      writeFileSync(join(place, 'config.json'), content);
      return place;
    };
    for (const content of ['[]', '{', '{"model_type": 7}', '{"model_type":"bert","vocab_size":60}']) {
      const [first] = await problemsOf(config(content));
      assert.match(first!, /^config\.json.*; is this the config\.json of a transformers model\?$/);
    }
    assert.match(
      (await problemsOf(model({ config: { model_type: undefined } })))[0]!,
      /^config\.json: has no "model_type"; add the one that it is of: bert, roberta/,
    );
    assert.match(
      (await problemsOf(model({ config: { model_type: 't5' } })))[0]!,
      /^config\.json: model_type "t5" is not supported/,
    );
    assert.match(
      (await problemsOf(model({ config: { num_attention_heads: 3 } })))[0]!,
      /its hidden size 16 is no multiple of its 3 attention heads/,
    );
    assert.match(
      (await problemsOf(model({ config: { pad_token_id: 60 } })))[0]!,
      /pad_token_id 60 is none of its 60 tokens/,
    );
    assert.equal(readBackboneConfig(model({})).hiddenSize, TINY.hidden);
  });
});
