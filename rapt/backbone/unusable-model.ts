/** What a model lacks, judged by the names of its files, in a folder and on the hub alike. */
import { CONFIG_FILE, INDEX_FILE, MODEL_FILE, TOKENIZER_FILE } from './model-files.ts';

/** Weights as PyTorch pickles them, and as other frameworks keep them. */
const OTHER_WEIGHTS = [
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'tf_model.h5',
  'flax_model.msgpack',
  'model.onnx',
  'onnx/model.onnx',
] as const;
/** Files of tokenizers that only Python's slow classes read. */
const SLOW_TOKENIZERS = [
  'vocab.txt',
  'vocab.json',
  'sentencepiece.bpe.model',
  'spiece.model',
  'tokenizer.model',
] as const;

/** Files whose presence tells why the others are missing. */
export const TELLING_FILES: readonly string[] = [...OTHER_WEIGHTS, ...SLOW_TOKENIZERS];

/** Saves a model as Rapt reads it, whatever form it has. @param model a folder or a name on the hub. */
const conversion = (model: string): string =>
  `python3 -c "from transformers import AutoModel, AutoTokenizer; m = '${model}'; ` +
  "AutoModel.from_pretrained(m).save_pretrained('converted'); " +
  `AutoTokenizer.from_pretrained(m).save_pretrained('converted')"`;

/** One sentence that says what is missing, with the way out; null when nothing is.
 *  @param has whether the model has a file of this name.
 *  @param model a folder or a name on the hub, for the command that converts it. */
export function whatIsMissing(has: (file: string) => boolean, model: string): string | null {
  const missing = [
    ...(has(CONFIG_FILE) ? [] : [CONFIG_FILE]),
    ...(has(MODEL_FILE) || has(INDEX_FILE) ? [] : [MODEL_FILE]),
    ...(has(TOKENIZER_FILE) ? [] : [TOKENIZER_FILE]),
  ];
  if (missing.length === 0) return null;
  const needs =
    `lacks ${missing.join(', ')}; a model folder needs ` + [CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE].join(', ');
  const weights = missing.includes(MODEL_FILE) ? OTHER_WEIGHTS.find(has) : undefined;
  const tokenizer = missing.includes(TOKENIZER_FILE) ? SLOW_TOKENIZERS.find(has) : undefined;
  if (weights === undefined && tokenizer === undefined) return needs;
  const reasons = [
    ...(weights === undefined ? [] : [`its weights are in ${weights} alone`]),
    ...(tokenizer === undefined ? [] : [`its tokenizer is in the slow form alone (${tokenizer})`]),
  ];
  return `${needs}: ${reasons.join(', and ')}. Convert it, and give the folder "converted": ${conversion(model)}`;
}
