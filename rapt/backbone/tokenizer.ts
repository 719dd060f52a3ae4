import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { readSpecialIds } from './frame.ts';

/** Text to token ids and back, without the special tokens that frame a sequence. */
export interface Tokenizer {
  /** Token strings by id: the public vocabulary. */
  readonly tokens: readonly string[];
  readonly clsId: number;
  readonly sepId: number;
  readonly padId: number;
  readonly unknownId: number;
  /** Ids with a structural meaning: [PAD], [CLS], [SEP], [MASK], [UNK] and the like. */
  readonly specialIds: ReadonlySet<number>;
  /** Ids of the text, cut to maxTokens. */
  encode(text: string, maxTokens: number): Int32Array;
  /** The text of these ids. */
  decode(ids: ArrayLike<number>): string;
}

/** Names of the structural tokens in the families' vocabularies. */
const FRAMING = { cls: ['[CLS]', '<s>'], sep: ['[SEP]', '</s>'], pad: ['[PAD]', '<pad>'], unknown: ['[UNK]', '<unk>'] };

/** Loads the tokenizer of a model folder by `@huggingface/transformers`. @throws RaptError notFound when it has none. */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const { AutoTokenizer, env } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const tokenizer = await AutoTokenizer.from_pretrained(basename(folder)).catch((cause: unknown) => {
    throw new RaptError(ErrorKind.notFound, `${join(folder, 'tokenizer.json')} could not be loaded as a tokenizer`, { cause });
  });
  const prepare = lowercases(folder) ? (text: string): string => text.replaceAll('Σ', 'σ') : (text: string): string => text;
  const tokens: string[] = [];
  for (const [token, id] of tokenizer.get_vocab()) tokens[id] = token;
  const idOf = (names: readonly string[]): number => {
    const name = names.find((candidate) => tokens.includes(candidate));
    if (name === undefined)
      throw new RaptError(ErrorKind.notFound, `the tokenizer in ${folder} has no ${names[0]} token; it is not one of the BERT family`);
    return tokens.indexOf(name);
  };
  return {
    tokens,
    clsId: idOf(FRAMING.cls),
    sepId: idOf(FRAMING.sep),
    padId: idOf(FRAMING.pad),
    unknownId: idOf(FRAMING.unknown),
    specialIds: new Set([...readSpecialIds(folder), ...Object.values(FRAMING).map(idOf)]),
    encode: (text, maxTokens) => Int32Array.from(tokenizer.encode(prepare(text), { add_special_tokens: false })).subarray(0, maxTokens),
    decode: (ids) => tokenizer.decode(Array.from(ids), { skip_special_tokens: false }),
  };
}

/** Whether the tokenizer folds case. JavaScript folds a capital sigma at a word's end to its final form, and the reference tokenizers,
 *  which fold each character alone, do not. */
function lowercases(folder: string): boolean {
  const { normalizer } = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as { normalizer?: { lowercase?: boolean } | null };
  return normalizer?.lowercase === true;
}
