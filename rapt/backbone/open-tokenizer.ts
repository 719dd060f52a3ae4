/** Opens a tokenizer of `@huggingface/transformers`, without the part that takes the package seconds in one go. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import type { TokenizerSteps } from './first-tokens.ts';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './model-files.ts';
import { Prefixes } from './prefixes.ts';

type TokenizerJson = TokenizerSteps & {
  readonly model: TokenizerSteps['model'] & { readonly vocab?: unknown; readonly unk_id?: number | null };
};
type Piece = readonly [token: string, score: number];

export interface OpenedTokenizer {
  readonly tokenizer: PreTrainedTokenizer;
  readonly steps: TokenizerSteps;
}

/** The package's own way to open a folder takes the folder's name for one on the hub, so it is not used. For a class
 *  that the package does not know, its base class does what tokenizer.json says. */
export async function openTokenizer(folder: string): Promise<OpenedTokenizer> {
  const transformers: Readonly<Record<string, unknown>> = await import('@huggingface/transformers');
  const configFile = join(folder, TOKENIZER_CONFIG_FILE);
  const config = (existsSync(configFile) ? JSON.parse(readFileSync(configFile, 'utf8')) : {}) as {
    readonly tokenizer_class?: string;
  };
  const Named = transformers[config.tokenizer_class?.replace(/Fast$/, '') ?? ''];
  const Tokenizer = (
    isTokenizerClass(Named) ? Named : transformers['PreTrainedTokenizer']
  ) as typeof PreTrainedTokenizer;
  const steps = JSON.parse(readFileSync(join(folder, TOKENIZER_FILE), 'utf8')) as TokenizerJson;
  await nextTurn();
  return { tokenizer: await construct(Tokenizer, steps, config), steps };
}

const isTokenizerClass = (value: unknown): boolean => typeof value === 'function' && /Tokenizer$/.test(value.name);

/** For Unigram the package puts all tokens into a tree of maps, one for each character: for 250,000 tokens this takes
 *  three seconds and half a gigabyte. So it is given one token, and then the others with another search. */
async function construct(
  Tokenizer: typeof PreTrainedTokenizer,
  steps: TokenizerJson,
  config: object,
): Promise<PreTrainedTokenizer> {
  const { model } = steps;
  const pieces = model.vocab as readonly Piece[];
  if (model.type !== 'Unigram' || pieces.length === 0) return new Tokenizer(steps, config);
  const tokenizer = new Tokenizer({ ...steps, model: { ...model, vocab: pieces.slice(0, 1) } }, config);
  // The package's types do not find those of its own parts.
  await fill((tokenizer._tokenizer as { readonly model: UnigramParts }).model, pieces, steps);
  return tokenizer;
}

/** What the constructor of the package's Unigram makes of a vocabulary. */
interface UnigramParts {
  vocab: string[];
  scores: number[];
  tokens_to_ids: Map<string, number>;
  unk_token_id: number;
  unk_token: string | undefined;
  bos_token: string;
  bos_token_id: number | undefined;
  eos_token: string | undefined;
  eos_token_id: number | undefined;
  min_score: number;
  unk_score: number;
  trie: Prefixes;
}

/** Makes the same parts in the same way (Unigram and Tokenizer of `@huggingface/tokenizers`). */
async function fill(
  model: UnigramParts,
  pieces: readonly Piece[],
  { added_tokens: added = [] }: TokenizerSteps,
): Promise<void> {
  model.vocab = pieces.map(([token]) => token);
  model.scores = pieces.map(([, score]) => score);
  model.tokens_to_ids = new Map(model.vocab.map((token, id) => [token, id]));
  model.bos_token_id = model.tokens_to_ids.get(model.bos_token);
  model.eos_token_id = model.eos_token === undefined ? undefined : model.tokens_to_ids.get(model.eos_token);
  model.unk_token = model.vocab[model.unk_token_id];
  model.min_score = model.scores.reduce((least, score) => Math.min(least, score), Infinity);
  model.unk_score = model.min_score - 10;
  model.scores[model.unk_token_id] = model.unk_score;
  await nextTurn();
  model.trie = new Prefixes(model.vocab);
  for (const { content, id } of added) {
    model.tokens_to_ids.set(content, id);
    model.vocab[id] = content;
  }
  await nextTurn();
}
