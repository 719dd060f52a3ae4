import { ErrorKind, RaptError } from '../../contracts/index.ts';

/** Tokens that stand for no text: `[CLS]`, `[unused12]`, `<s>`, `<pad>`. A single bracket is text. */
const STRUCTURAL = /^(\[[^\]]+\]|<[^>]+>)$/;

/** The ids that a mechanism may answer, ascending. Fixed by the tokenizer alone: the same for every input, so that what
 *  comes out tells nothing by being in or out of the list. @param tokens token strings by id. @throws RaptError
 *  badInput when nearly nothing is left. */
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
