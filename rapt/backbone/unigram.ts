/** The beginning of the most likely segmentation of a word, from the beginning of the word.
 *
 *  Viterbi's algorithm goes through a word from left to right: the best way to a place depends only on what stands
 *  before it. Whatever follows, the best way to the word's end goes through one of the tokens that reach the place up
 *  to which the word was read. Where the best ways to all of these have their beginning in common, it is that of the
 *  whole word. Sums are made as `@huggingface/tokenizers` makes them, in the same order, so that ties are broken alike
 *  (Unigram.populate_nodes and TokenLattice.viterbi there). */

/** A vocabulary with the scores of its tokens. */
export interface UnigramModel {
  readonly trie: { common_prefix_search(characters: readonly string[], start?: number): Iterable<string> };
  readonly scores: readonly number[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_score: number;
}

/** A token at its place, and the best way to it. */
interface Step {
  readonly piece: string;
  readonly before: Step | null;
  readonly score: number;
}

/** The tokens with which every segmentation begins.
 *  @param word a word, or the beginning of one.
 *  @param isWhole whether nothing follows, so that all tokens are decided.
 *  @param longest characters of the longest token. */
export function firstPieces(word: string, isWhole: boolean, model: UnigramModel, longest: number): string[] {
  const characters = Array.from(word);
  // Behind this place a token could reach into characters that were not read.
  const end = isWhole ? characters.length : Math.max(0, characters.length - longest);
  /** Steps that end at a place, from `at` on. */
  const ending: Step[][] = [[{ piece: '', before: null, score: 0 }]];
  for (let at = 0; at < end; at++) {
    const reached = ending[at] ?? [];
    // Where no token ends, none begins. One of a single character always begins.
    for (const { piece, length, score } of tokensAt(characters, at, model)) {
      const step = bestStep(piece, score, reached);
      if (step !== null) (ending[at + length] ??= []).push(step);
    }
    ending[at] = [];
  }
  const last = isWhole
    ? [bestStep('', 0, ending[end] ?? [])].flatMap((step) =>
        step === null || step.before === null ? [] : [step.before],
      )
    : ending.slice(end).flat();
  return commonBeginning(last);
}

function* tokensAt(
  characters: readonly string[],
  at: number,
  { trie, tokens_to_ids: ids, scores, unk_score }: UnigramModel,
): Generator<{ piece: string; length: number; score: number }> {
  let hasSingle = false;
  for (const piece of trie.common_prefix_search(characters, at)) {
    const length = Array.from(piece).length;
    if (length === 1) hasSingle = true;
    yield { piece, length, score: scores[ids.get(piece)!]! };
  }
  if (!hasSingle) yield { piece: characters[at]!, length: 1, score: unk_score };
}

/** The best way to a token; the first of equally good ones. */
function bestStep(piece: string, score: number, reached: readonly Step[]): Step | null {
  let best: Step | null = null;
  for (const before of reached) {
    const sum = before.score + score;
    if (best === null || sum > best.score) best = { piece, before, score: sum };
  }
  return best;
}

/** The tokens with which the ways to all these steps begin. */
function commonBeginning(steps: readonly Step[]): string[] {
  const [first, ...others] = steps;
  if (first === undefined) return [];
  const way = wayTo(first);
  const places = new Map(way.map((step, at) => [step, at]));
  let common = way.length - 1;
  for (const other of others) {
    let step: Step | null = other;
    while (step !== null && !places.has(step)) step = step.before;
    common = Math.min(common, step === null ? 0 : places.get(step)!);
  }
  // The first of them is the word's beginning, which is no token.
  return way.slice(1, common + 1).map(({ piece }) => piece);
}

function wayTo(last: Step): Step[] {
  const way: Step[] = [];
  for (let step: Step | null = last; step !== null; step = step.before) way.push(step);
  return way.reverse();
}
