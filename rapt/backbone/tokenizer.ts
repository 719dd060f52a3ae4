import { join, resolve } from 'node:path';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { FirstTokens, type TokenizerCore, type TokenizerSteps } from './first-tokens.ts';
import { readSpecialIds } from './frame-ids.ts';
import { openTokenizer } from './open-tokenizer.ts';

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
  /** Ids of the text, cut to maxTokens. A long text costs as much as its first maxTokens tokens. */
  encode(text: string, maxTokens: number): Int32Array;
  /** The text of these ids. */
  decode(ids: ArrayLike<number>): string;
}

/** Names of the structural tokens in the families' vocabularies. */
const FRAMING = { cls: ['[CLS]', '<s>'], sep: ['[SEP]', '</s>'], pad: ['[PAD]', '<pad>'], unknown: ['[UNK]', '<unk>'] };

/** Loads the tokenizer of a model folder by `@huggingface/transformers`. @throws RaptError notFound when it has
 *  none. */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const { tokenizer, steps } = await openTokenizer(resolve(folder)).catch((cause: unknown) => {
    throw new RaptError(ErrorKind.notFound, `${join(folder, 'tokenizer.json')} could not be loaded as a tokenizer`, {
      cause,
    });
  });
  // The package's types do not find those of its own parts.
  const first = new FirstTokens(tokenizer._tokenizer as TokenizerCore, steps);
  const prepare = lowercases(steps)
    ? (text: string): string => text.replaceAll('Σ', 'σ')
    : (text: string): string => text;
  const tokens: string[] = [];
  for (const [token, id] of tokenizer.get_vocab()) tokens[id] = token;
  const idOf = (names: readonly string[]): number => {
    const name = names.find((candidate) => tokens.includes(candidate));
    if (name === undefined)
      throw new RaptError(
        ErrorKind.notFound,
        `the tokenizer in ${folder} has no ${names[0]} token; it is not one of the BERT family`,
      );
    return tokens.indexOf(name);
  };
  return {
    tokens,
    clsId: idOf(FRAMING.cls),
    sepId: idOf(FRAMING.sep),
    padId: idOf(FRAMING.pad),
    unknownId: idOf(FRAMING.unknown),
    specialIds: new Set([...readSpecialIds(folder), ...Object.values(FRAMING).map(idOf)]),
    encode: (text, maxTokens) => Int32Array.from(first.encode(prepare(text), maxTokens)),
    decode: (ids) => tokenizer.decode(Array.from(ids), { skip_special_tokens: false }),
  };
}

/** Whether the tokenizer folds case. JavaScript folds a capital sigma at a word's end to its final form, and the
 *  reference tokenizers, which fold each character alone, do not. */
const lowercases = (steps: TokenizerSteps): boolean => steps.normalizer?.lowercase === true;
