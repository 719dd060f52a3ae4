import { distance } from 'fastest-levenshtein';

/** The candidate that was probably meant: the nearest one within two edits, or within one edit for a short word, or a
 *  third of a long word's letters. Letter case and the signs between words do not count. Undefined when no candidate is
 *  so near. */
export function nearest<T extends string>(word: string, candidates: Iterable<T>): T | undefined {
  const wanted = plain(word);
  let best: T | undefined;
  let least = (wanted.length <= 3 ? 1 : Math.max(2, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const edits = distance(wanted, plain(candidate));
    if (edits >= least) continue;
    best = candidate;
    least = edits;
  }
  return best;
}

const plain = (word: string): string => word.toLowerCase().replaceAll(/[\s_-]/g, '');
