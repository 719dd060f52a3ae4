/** The default backbone with the most frequent part of its vocabulary and its first layers: real weights on real words,
 *  of which a release is drawn, and a step taken, in a fraction of the time. For what does not depend on how good a
 *  model is. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_BACKBONE } from '../../contracts/index.ts';
import { locateBackbone } from '../../rapt/backbone/index.ts';
import { encodeSafetensors, SafetensorsFile } from '../../rapt/safetensors.ts';

/** BERT's vocabulary begins with special tokens and single characters, which spell every word; then its words come by
 *  their frequency. */
const TOKENS = 4096;
const LAYERS = 2;
const WORD_TABLE = 'embeddings.word_embeddings.weight';
const LAYER_OF = /^encoder\.layer\.(\d+)\./;

interface TokenizerFile {
  readonly model: { readonly vocab: Record<string, number> };
}

/** @returns the folder. */
export async function writeSmallBackbone(folder: string): Promise<string> {
  const { folder: whole } = await locateBackbone(DEFAULT_BACKBONE);
  mkdirSync(folder, { recursive: true });
  cpSync(join(whole, 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'));

  const json = (name: string): unknown => JSON.parse(readFileSync(join(whole, name), 'utf8'));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ ...(json('config.json') as object), vocab_size: TOKENS, num_hidden_layers: LAYERS }),
  );
  const tokenizer = json('tokenizer.json') as TokenizerFile;
  const vocab = Object.fromEntries(Object.entries(tokenizer.model.vocab).filter(([, id]) => id < TOKENS));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, model: { ...tokenizer.model, vocab } }));

  const weights = new SafetensorsFile(join(whole, 'model.safetensors'));
  // Beside the weights it holds the numbers of the positions, which are no floats.
  const kept = weights.names.filter(
    (name) => weights.header(name)!.dtype === 'F32' && Number(LAYER_OF.exec(name)?.[1] ?? 0) < LAYERS,
  );
  const tensors = Object.fromEntries(kept.map((name) => [name, weights.read(name)]));
  const { shape, values } = tensors[WORD_TABLE]!;
  const [, width] = shape as [number, number];
  const words = { shape: [TOKENS, width], values: values.subarray(0, TOKENS * width) };
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors({ ...tensors, [WORD_TABLE]: words }));
  return folder;
}
