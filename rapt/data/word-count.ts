/** About how many words a text has, in any script. */

/** So many characters of a long text are looked at, which is enough to estimate the rest. */
const LONGEST_LOOKED_AT = 1 << 16;
/** Scripts that put no spaces between words, and about how many characters a word of theirs has. */
const WITHOUT_SPACES: readonly (readonly [RegExp, number])[] = [
  [/[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tibetan}]/gu, 5],
  [/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/gu, 2],
  // A pictogram counts as a word of its own.
  [/\p{Extended_Pictographic}/gu, 1],
];
const ANY_WITHOUT_SPACES = new RegExp(WITHOUT_SPACES.map(([{ source }]) => source).join('|'), 'u');

/** @param text without spaces at its ends, not empty. */
export function countWords(text: string): number {
  const start = text.slice(0, LONGEST_LOOKED_AT);
  const spaced = start.split(/\s+/).length;
  const counted = ANY_WITHOUT_SPACES.test(start)
    ? WITHOUT_SPACES.reduce((sum, [script, characters]) => sum + (start.match(script)?.length ?? 0) / characters, 0)
    : 0;
  return Math.max(spaced, Math.round(counted)) * Math.max(1, text.length / LONGEST_LOOKED_AT);
}
