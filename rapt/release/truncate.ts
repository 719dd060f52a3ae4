/** What is kept of a row's tokens. */
import type { Tokenizer } from '../backbone/index.ts';
import type { Row } from '../data/index.ts';

export interface KeptTokens {
  readonly text: Int32Array;
  /** Empty unless a pair task. */
  readonly pair: Int32Array;
}

/** A row's token ids, cut to `most` of them, both texts of a pair together. */
export function keptTokens(
  { text, pair }: Pick<Row, 'text' | 'pair'>,
  tokenizer: Pick<Tokenizer, 'encode'>,
  most: number,
): KeptTokens {
  const first = tokenizer.encode(text, most);
  const second = pair === null ? new Int32Array() : tokenizer.encode(pair, most);
  const kept = longestFirst(first.length, second.length, most);
  return { text: first.subarray(0, kept.first), pair: second.subarray(0, kept.second) };
}

/** How many tokens of a pair are kept when both together may have `most`: Hugging Face's `longest_first`. Tokens are
 *  taken one by one from the end of the longer text, from the second when both are equally long. In closed form: a text
 *  of at most half stays whole, and when neither is that short the first gets the larger half. */
function longestFirst(first: number, second: number, most: number): { first: number; second: number } {
  if (first + second <= most) return { first, second };
  const half = most / 2;
  if (first <= half) return { first, second: most - first };
  if (second <= half) return { first: most - second, second };
  return { first: Math.ceil(half), second: Math.floor(half) };
}
