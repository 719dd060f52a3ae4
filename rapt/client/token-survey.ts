/** What a backbone's tokenizer makes of texts, before any of them is drawn. */
import type { DataConfig } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import { LEAST } from '../evaluation/index.ts';
import { readSplit, tableNotes, type Inspection, type Row } from '../data/index.ts';

/** Of so many rows the share of unknown tokens is about that of all. */
const SAMPLED_ROWS = 2000;
/** From here on it costs more than it would to look for another backbone. */
const MANY_UNKNOWN = 0.05;

export class TokenSurvey {
  readonly #tokenizer: Pick<Tokenizer, 'encode' | 'unknownId'>;
  readonly #maxTokens: number;
  rows = 0;
  tokens = 0;
  /** Tokens that stand for what the vocabulary does not have. */
  unknown = 0;
  /** Rows of which nothing is left. */
  withoutTokens = 0;

  /** @param maxTokens of a text that are looked at. */
  constructor(tokenizer: Pick<Tokenizer, 'encode' | 'unknownId'>, maxTokens: number) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = maxTokens;
  }

  /** @returns the row's number of tokens, of both texts of a pair. */
  add({ text, pair }: Pick<Row, 'text' | 'pair'>): number {
    let length = 0;
    for (const one of pair === null ? [text] : [text, pair]) {
      const ids = this.#tokenizer.encode(one, this.#maxTokens);
      length += ids.length;
      for (const id of ids) if (id === this.#tokenizer.unknownId) this.unknown++;
    }
    this.rows++;
    this.tokens += length;
    if (length === 0) this.withoutTokens++;
    return length;
  }

  /** Between 0 and 1. */
  get unknownShare(): number {
    return this.tokens === 0 ? 0 : this.unknown / this.tokens;
  }
}

/** Looks at the first rows. */
async function surveyTokens(
  rows: AsyncIterable<Pick<Row, 'text' | 'pair'>>,
  tokenizer: Pick<Tokenizer, 'encode' | 'unknownId'>,
  maxTokens: number,
): Promise<TokenSurvey> {
  const survey = new TokenSurvey(tokenizer, maxTokens);
  for await (const row of rows) {
    survey.add(row);
    if (survey.rows === SAMPLED_ROWS) break;
  }
  return survey;
}

/** To whole percents: the share leaves the data owner, and no more of it is needed to choose a backbone. */
export const inPercent = (share: number): number => Math.round(share * 100);

/** What to do where many tokens are unknown; null where few are. */
export function unknownNote(share: number): string | null {
  if (share < MANY_UNKNOWN) return null;
  return (
    `${inPercent(share)} % of the tokens are unknown to the backbone, which cannot tell them apart; a multilingual ` +
    'one knows more, such as FacebookAI/xlm-roberta-base or google-bert/bert-base-multilingual-cased'
  );
}

/** What a person should know before a run: how its tables were read, and whether the backbone knows their words. */
export async function notesOn(
  data: DataConfig,
  inspection: Inspection,
  tokenizer: Pick<Tokenizer, 'encode' | 'unknownId'>,
): Promise<string[]> {
  const { unknownShare, rows } = await surveyTokens(
    readSplit(data, inspection.tables, 'train'),
    tokenizer,
    data.maxTokens,
  );
  // Of few texts it would tell of single ones.
  const unknown = rows >= LEAST.texts ? unknownNote(unknownShare) : null;
  return [...tableNotes(inspection), ...(unknown === null ? [] : [unknown])];
}
