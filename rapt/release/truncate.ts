/** How many tokens of a pair are kept when both together may have `most`: Hugging Face's `longest_first`. Tokens are taken one by one from
 *  the end of the longer text, from the second when both are equally long. In closed form: a text of at most half stays whole, and when
 *  neither is that short the first gets the larger half. */
export function longestFirst(first: number, second: number, most: number): { first: number; second: number } {
  if (first + second <= most) return { first, second };
  const half = most / 2;
  if (first <= half) return { first, second: most - first };
  if (second <= half) return { first: most - second, second };
  return { first: Math.ceil(half), second: Math.floor(half) };
}
