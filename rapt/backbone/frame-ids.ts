import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { readBackboneConfig } from './backbone-config.ts';

/** How a sequence of a model is framed: [CLS] text [SEP], padding behind. */
export interface FrameIds {
  readonly cls: number;
  readonly sep: number;
  readonly pad: number;
  /** The roberta families put two separators between the texts of a pair. */
  readonly doubleSeparator: boolean;
  /** Whether the second text of a pair has a token type of its own. */
  readonly tokenTypes: boolean;
}

interface TokenizerJson {
  readonly added_tokens?: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}

/** Ids of the structural tokens, read from tokenizer.json without loading a tokenizer. */
export function readFrameIds(folder: string): FrameIds {
  const json = readTokenizerJson(folder);
  const config = readBackboneConfig(folder);
  const idOf = (...names: readonly string[]): number => {
    for (const name of names) {
      const id = json.added_tokens?.find((token) => token.content === name)?.id ?? json.model.vocab[name];
      if (id !== undefined) return id;
    }
    throw new RaptError(
      ErrorKind.notFound,
      `${join(folder, 'tokenizer.json')} has no ${names[0]} token; it is not of the BERT family`,
    );
  };
  return {
    cls: idOf('[CLS]', '<s>'),
    sep: idOf('[SEP]', '</s>'),
    pad: idOf('[PAD]', '<pad>'),
    doubleSeparator: config.family.endsWith('roberta'),
    tokenTypes: config.tokenTypes > 1,
  };
}

/** Ids that tokenizer.json marks as special. */
export function readSpecialIds(folder: string): ReadonlySet<number> {
  return new Set(
    (readTokenizerJson(folder).added_tokens ?? []).filter((token) => token.special).map((token) => token.id),
  );
}

const readTokenizerJson = (folder: string): TokenizerJson =>
  JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as TokenizerJson;
