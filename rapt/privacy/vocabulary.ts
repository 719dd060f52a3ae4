/** The output vocabulary: the tokens that a mechanism may answer. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';

/** Matches tokens that do not stand for text: `[CLS]`, `[unused12]`, `<s>`, `<pad>`. A single bracket is text. */
const STRUCTURAL = /^(\[[^\]]+\]|<[^>]+>)$/;

/** The ids that a mechanism may answer, ascending. They depend on the tokenizer alone and are the same for every input,
 *  so the list itself tells nothing of a text.
 *  @param tokens the token strings by id.
 *  @throws RaptError badInput when nearly nothing is left. */
export function outputVocabulary(tokens: readonly string[], specialIds: ReadonlySet<number>): Int32Array {
  const ids: number[] = [];
  // A vocabulary may have holes; forEach passes over them.
  tokens.forEach((token, id) => {
    if (!specialIds.has(id) && !STRUCTURAL.test(token)) ids.push(id);
  });
  if (ids.length < 2)
    throw new RaptError(
      ErrorKind.badInput,
      'the tokenizer has fewer than two tokens besides its special ones; choose another backbone',
    );
  return Int32Array.from(ids);
}
