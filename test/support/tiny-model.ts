/** A transformer small enough for finite differences, with random weights, in a folder as a real one would be. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors, readSafetensors, type FloatTensor } from '../../rapt/safetensors.ts';
import { normalValues, seededStream } from '../../rapt/tuning/index.ts';

export const TINY = { vocabulary: 60, hidden: 16, layers: 2, heads: 4, intermediate: 24, positions: 64 } as const;

const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** Words of the tiny vocabulary: w5, w6, ... by their ids. */
export const tinyTokens = (): string[] => Array.from({ length: TINY.vocabulary }, (_, id) => SPECIAL[id] ?? `w${id}`);

/** Writes config.json, model.safetensors and tokenizer.json into the folder. */
export function writeTinyModel(folder: string, seed = 1): string {
  const { vocabulary, hidden, layers, heads, intermediate, positions } = TINY;
  mkdirSync(folder, { recursive: true });
  const tensors: Record<string, FloatTensor> = {};
  const add = (name: string, shape: number[], deviation: number, mean = 0): void => {
    const count = shape.reduce((product, size) => product * size, 1);
    tensors[name] = {
      shape,
      values: normalValues(seededStream(seed, name), count, deviation).map((value) => value + mean),
    };
  };
  const dense = (name: string, out: number, input: number): void => {
    add(`${name}.weight`, [out, input], 0.25);
    add(`${name}.bias`, [out], 0.1);
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, [hidden], 0.2, 1);
    add(`${name}.bias`, [hidden], 0.2);
  };
  add('embeddings.word_embeddings.weight', [vocabulary, hidden], 0.5);
  add('embeddings.position_embeddings.weight', [positions, hidden], 0.2);
  add('embeddings.token_type_embeddings.weight', [2, hidden], 0.2);
  norm('embeddings.LayerNorm');
  for (let layer = 0; layer < layers; layer++) {
    const at = `encoder.layer.${layer}`;
    for (const part of ['query', 'key', 'value']) dense(`${at}.attention.self.${part}`, hidden, hidden);
    dense(`${at}.attention.output.dense`, hidden, hidden);
    norm(`${at}.attention.output.LayerNorm`);
    dense(`${at}.intermediate.dense`, intermediate, hidden);
    dense(`${at}.output.dense`, hidden, intermediate);
    norm(`${at}.output.LayerNorm`);
  }
  dense('pooler.dense', hidden, hidden);
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      model_type: 'bert',
      vocab_size: vocabulary,
      hidden_size: hidden,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      intermediate_size: intermediate,
      max_position_embeddings: positions,
      type_vocab_size: 2,
      layer_norm_eps: 1e-12,
      hidden_act: 'gelu',
      pad_token_id: 0,
    }),
  );
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tinyTokenizer()));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: 'BertTokenizer' }));
  return folder;
}

/** Cuts the folder's weights into so many files with an index, as `save_pretrained` does with those that are too large
 *  for one. */
export function shardTinyModel(folder: string, shards: number): string {
  const whole = join(folder, 'model.safetensors');
  const tensors = Object.entries(readSafetensors(whole));
  const perShard = Math.ceil(tensors.length / shards);
  const places: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-${String(shard + 1).padStart(5, '0')}-of-${String(shards).padStart(5, '0')}.safetensors`;
    const held = tensors.slice(shard * perShard, (shard + 1) * perShard);
    for (const [name] of held) places[name] = file;
    writeFileSync(join(folder, file), encodeSafetensors(Object.fromEntries(held), { format: 'pt' }));
  }
  writeFileSync(
    join(folder, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: { total_size: 0 }, weight_map: places }),
  );
  rmSync(whole);
  return folder;
}

function tinyTokenizer(): unknown {
  return {
    version: '1.0',
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tinyTokens().map((token, id) => [token, id])),
    },
  };
}
