/** The first tokens of a text, at the cost of these alone: a long text is cut first, where the cut cannot change them.
 *
 *  Why it cannot. A tokenizer works in steps: added tokens are found, the text between them is normalized and parted
 *  into words, and each word into tokens. The tokens of a text's beginning are those with which the whole text begins
 *  when the beginning ends
 *  - between two words: no normalizer of those named below joins a character with a space or an ASCII sign behind it,
 *    every parting parts there, and no added token holds the two characters one after the other;
 *  - or within a word of which more is read than WordPiece looks at: such a word is one unknown token, however it goes
 *    on.
 *
 *  A word may also have no end, as texts of scripts without spaces have for SentencePiece. Then all words but the last
 *  are sure, and the beginning of the last is sure
 *  - by Unigram: see unigram.ts;
 *  - by BPE: merges never part what was merged. So where a token ends in the whole word, its beginning up to there is
 *    merged as if nothing followed. No token is longer than the longest of the vocabulary, so one of them ends within
 *    that many characters before the end of what is read. When the word cut at each of these places begins with the
 *    same tokens, so does the whole.
 *
 *  Where none of this holds, more of the text is read, in the end all of it. Of the text that is passed over meanwhile,
 *  a stretch of spaces counts as one space, and an unknown word stays unknown without its middle. */
import { Characters } from './characters.ts';
import { firstPieces, type UnigramModel } from './unigram.ts';

/** The parts of a tokenizer of `@huggingface/tokenizers` that are used here. */
export interface TokenizerCore {
  readonly normalizer: { normalize(text: string): string } | null;
  readonly pre_tokenizer: { pre_tokenize(text: string, options: { section_index: number }): string[] } | null;
  readonly model: TokenizerModel;
  readonly remove_space?: boolean;
  readonly do_lowercase_and_remove_accent?: boolean;
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
}

interface TokenizerModel {
  readonly vocab: readonly string[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token_id?: number;
  /** Whether several unknown tokens in a row become one. */
  readonly fuse_unk: boolean;
  encode(words: readonly string[]): string[];
}

/** What tokenizer.json says of the steps. */
export interface TokenizerSteps {
  readonly normalizer?: Step | null;
  readonly pre_tokenizer?: Step | null;
  readonly model: {
    readonly type?: string;
    readonly max_input_chars_per_word?: number;
    readonly end_of_word_suffix?: string | null;
    readonly continuing_subword_suffix?: string | null;
  };
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly normalized?: boolean;
    readonly lstrip?: boolean;
  }[];
}

interface Step {
  readonly type: string;
  readonly normalizers?: readonly Step[];
  readonly pretokenizers?: readonly Step[];
  readonly pattern?: { readonly String?: string; readonly Regex?: string };
  readonly use_regex?: boolean;
  readonly lowercase?: boolean;
}

/** UTF-16 units up to which a text is tokenized whole. */
const LONG = 8192;
/** UTF-16 units of a long text that are tokenized first for each token that is asked for: twice what words of most
 *  languages take. */
const UNITS_PER_TOKEN = 12;
/** UTF-16 units that are read of the beginning and of the end of a longer stretch without a space. Leaving out the
 *  middle changes the first tokens only where a word repeats itself all the way. */
const LONGEST_WORD = 1 << 15;
const END_OF_WORD = 1 << 12;
/** UTF-16 units at the end of what is read whose tokens may depend on what follows. */
const UNSURE_UNITS = 64;

const SPACE = /[ \t\r\n]/;
const BEFORE_SPACE = /[!-~]|[\p{L}\p{N}]/u;
const ASCII_WORD = /[A-Za-z0-9]/;
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/;
const LOW_SURROGATE = /[\udc00-\udfff]/;
/** A unit that belongs to the character before it: normalizers put accents in order. */
const CONTINUES = /[\p{M}\udc00-\udfff]/u;

const LOCAL_NORMALIZERS: ReadonlySet<string> = new Set([
  'BertNormalizer',
  'Precompiled',
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Strip',
  'StripAccents',
  'Lowercase',
  'Prepend',
]);

/** How words are told apart: by spaces alone; by punctuation as well, with the spaces dropped, or kept as a part of a
 *  word; or not at all. */
type Parting = 'spaces' | 'punctuation' | 'punctuation, spaces kept' | 'none';

export class FirstTokens {
  readonly #core: TokenizerCore;
  readonly #steps: TokenizerSteps;
  readonly #long: number;
  readonly #parting: Parting | null;
  readonly #added: readonly {
    readonly content: string;
    readonly inNormalized: boolean;
    readonly stripsBefore: boolean;
  }[];
  /** Null unless every character is normalized by itself, and words are told apart by punctuation. */
  readonly #characters: Characters | null;
  /** UTF-16 units of the longest token. */
  readonly #longestToken: number;
  readonly #unsure: number;

  /** @param long UTF-16 units from which a text is cut; tests choose fewer. */
  constructor(core: TokenizerCore, steps: TokenizerSteps, { long = LONG }: { long?: number } = {}) {
    this.#core = core;
    this.#steps = steps;
    this.#long = long;
    this.#parting = isLocal(steps.normalizer ?? null) ? partingOf(steps.pre_tokenizer ?? null) : null;
    const added = (steps.added_tokens ?? []).filter(({ content }) => content !== '');
    this.#added = added.map(({ content, normalized = false, lstrip = false }) => ({
      content,
      inNormalized: normalized && core.normalizer !== null,
      stripsBefore: lstrip,
    }));
    const isByCharacter =
      this.#parting === 'punctuation' &&
      ['BertNormalizer', undefined].includes(steps.normalizer?.type) &&
      !this.#added.some(({ inNormalized }) => inNormalized);
    this.#characters = isByCharacter ? new Characters((text) => this.#normalized(text)) : null;
    this.#longestToken = core.model.vocab.reduce((longest, token) => Math.max(longest, token.length), 1);
    this.#unsure = this.#added.reduce((longest, { content }) => Math.max(longest, content.length), UNSURE_UNITS);
  }

  /** The ids of the text's first tokens, at most so many. */
  encode(text: string, most: number): number[] {
    let rest = text;
    for (
      let length = Math.max(this.#long, UNITS_PER_TOKEN * most);
      length < rest.length && this.#parting !== null;
      length *= 2
    ) {
      const at = LOW_SURROGATE.test(rest[length]!) ? length - 1 : length;
      const ids = this.#beginning(rest, at, most);
      // One more than asked for: the last may be an unknown token that goes on.
      if (ids !== null && ids.length > most) return ids.slice(0, most);
      const end = this.#endOfSame(rest, at);
      if (end - at > at) rest = rest.slice(0, at) + rest.slice(end);
    }
    const isLong = rest.length > this.#long && this.#steps.model.type === 'Unigram';
    return ((isLong ? this.#withinWord(rest, rest.length, most) : null) ?? this.#whole(rest)).slice(0, most);
  }

  /** The first place from here on that can change a token: what lies before it is more of the same spaces, or of the
   *  same word. */
  #endOfSame(text: string, at: number): number {
    if (this.#joinsSpaces && SPACE.test(text[at - 2]!) && SPACE.test(text[at - 1]!)) return endOfSpaces(text, at);
    if (this.#joinsSpaces && this.#characters?.isNothingBefore(text, at) === true)
      return this.#characters.endOfNothing(text, at);
    if (this.#isWithinUnknownWord(text, at)) return this.#endOfUnknownWord(text, at);
    return at >= LONGEST_WORD && !SPACE.test(text.slice(at - LONGEST_WORD, at))
      ? Math.max(at, nextSpace(text, at) - END_OF_WORD)
      : at;
  }

  #whole(text: string): number[] {
    return this.#core.encode(text, { add_special_tokens: false }).ids;
  }

  /** Whether a third space beside two others changes nothing. */
  get #joinsSpaces(): boolean {
    if (this.#parting === null || this.#added.some(({ content }) => /\s/.test(content))) return false;
    const [first, ...others] = this.#steps.normalizer?.normalizers ?? [];
    const areJoined =
      first?.type === 'Precompiled' &&
      others.some(({ type, pattern }) => type === 'Replace' && pattern?.Regex === ' {2,}');
    return this.#parting === 'spaces' || this.#parting === 'punctuation' || areJoined;
  }

  /** Tokens with which the text begins, from its first units; null where none is sure. */
  #beginning(text: string, length: number, most: number): number[] | null {
    const cut = this.#cut(text, length);
    if (cut !== null) return this.#whole(text.slice(0, cut));
    const { type } = this.#steps.model;
    return type === 'Unigram' || type === 'BPE' ? this.#withinWord(text, length, most) : null;
  }

  /** The last place in the second half of what is read behind which nothing can change the tokens before it. */
  #cut(text: string, length: number): number | null {
    if (this.#isWithinUnknownWord(text, length)) return length;
    for (let at = length; at > length / 2; at--)
      if (this.#parts(text, at) && !this.#isInAddedToken(text, at)) return at;
    return null;
  }

  /** Whether a word ends at this place, whatever stands around it. */
  #parts(text: string, at: number): boolean {
    if (this.#parting === 'none') return false;
    if (this.#characters !== null) return this.#characters.partAt(text, at);
    const [before, after] = [text[at - 1]!, text[at]!];
    if (SPACE.test(after)) return BEFORE_SPACE.test(before);
    return this.#parting !== 'spaces' && ASCII_WORD.test(before) && ASCII_PUNCTUATION.test(after);
  }

  #isInAddedToken(text: string, at: number): boolean {
    const around = text
      .slice(at - 1, at + 1)
      .replace(SPACE, ' ')
      .toLowerCase();
    return this.#added.some(({ content }) => content.replaceAll(/\s/g, ' ').toLowerCase().includes(around));
  }

  #isWithinUnknownWord(text: string, at: number): boolean {
    const { type, max_input_chars_per_word: longest = 100 } = this.#steps.model;
    if (type !== 'WordPiece' || this.#characters === null || LOW_SURROGATE.test(text[at]!)) return false;
    const start = Math.max(0, at - 8 * (longest + this.#unsure));
    if (this.#firstAddedToken(text.slice(start, at + this.#unsure)) !== null) return false;
    return (
      this.#characters.lengthOfWord(text.slice(LOW_SURROGATE.test(text[start]!) ? start + 1 : start, at)) >
      longest + this.#unsure
    );
  }

  #endOfUnknownWord(text: string, at: number): number {
    const end = this.#characters!.endOfWord(text, at);
    const added = this.#firstAddedToken(text.slice(at - this.#unsure, end + this.#unsure));
    return added === null ? end : Math.max(at, Math.min(end, at - this.#unsure + added));
  }

  #firstAddedToken(text: string): number | null {
    const places = this.#added.map(({ content }) => text.indexOf(content)).filter((place) => place >= 0);
    return places.length === 0 ? null : Math.min(...places);
  }

  #normalized(text: string): string {
    return this.#core.normalizer === null ? text : this.#core.normalizer.normalize(text);
  }

  /** Tokens of a text whose last word does not end; null where none is sure. */
  #withinWord(text: string, length: number, most: number): number[] | null {
    const {
      model,
      pre_tokenizer: parter,
      remove_space: trims = false,
      do_lowercase_and_remove_accent: lowers = false,
    } = this.#core;
    const { end_of_word_suffix: suffix, continuing_subword_suffix: continued, type } = this.#steps.model;
    if (parter === null || trims || lowers || (suffix ?? continued ?? null) !== null) return null;
    let end = length;
    while (end > 0 && end < text.length && CONTINUES.test(text[end]!)) end--;
    const read = text.slice(0, end);
    if (this.#mayBeStripped(text, end)) return null;
    const normalized = this.#normalized(read);
    if (
      this.#added.some(({ content, inNormalized }) =>
        inNormalized ? normalized.includes(this.#normalized(content)) : read.includes(content),
      )
    )
      return null;
    const words = parter.pre_tokenize(normalized, { section_index: 0 });
    const begun = end === text.length ? '' : withoutEnd(words, this.#unsure);
    const tokens = type === 'Unigram' ? this.#byUnigram(words, begun) : this.#byMerges(words, begun, most);
    const ids = tokens.map((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id!);
    return model.fuse_unk ? ids.filter((id, at) => at === 0 || id !== model.unk_token_id || ids[at - 1] !== id) : ids;
  }

  /** Whether spaces at this place may be dropped because of an added token behind them. */
  #mayBeStripped(text: string, at: number): boolean {
    let end = at;
    while (end > 0 && /\s/.test(text[end - 1]!) && end < text.length && /\s/.test(text[end]!)) end++;
    return (
      /\s/.test(text[end - 1] ?? '') &&
      this.#added.some(
        ({ content, inNormalized, stripsBefore }) => stripsBefore && (inNormalized || text.startsWith(content, end)),
      )
    );
  }

  #byUnigram(words: readonly string[], begun: string): string[] {
    // A model of this type has these parts besides.
    const model = this.#core.model as TokenizerModel & UnigramModel;
    return [
      ...words.flatMap((word) => firstPieces(word, true, model, this.#longestToken)),
      ...firstPieces(begun, false, model, this.#longestToken),
    ];
  }

  #byMerges(words: readonly string[], begun: string, most: number): string[] {
    const { model } = this.#core;
    const tokens: string[] = [];
    for (const word of words) {
      if (tokens.length > most) return tokens;
      tokens.push(...model.encode([word]));
    }
    const wanted = most + 1 - tokens.length;
    for (let end = 2 * this.#longestToken + 8 * wanted; wanted > 0 && end <= begun.length; end *= 2) {
      const first = model.encode([begun.slice(0, end)]).slice(0, wanted);
      const cuts = Array.from({ length: this.#longestToken }, (_, back) => model.encode([begun.slice(0, end - back)]));
      if (cuts.every((other) => first.every((token, at) => other[at] === token))) return [...tokens, ...first];
    }
    return tokens;
  }
}

function endOfSpaces(text: string, start: number): number {
  let at = start;
  while (at < text.length && SPACE.test(text[at]!)) at++;
  return at;
}

function nextSpace(text: string, start: number): number {
  const found = text.slice(start).search(SPACE);
  return found < 0 ? text.length : start + found;
}

/** Takes words from the end that together have so many units, and gives back the beginning of the first of them that is
 *  sure. */
function withoutEnd(words: string[], units: number): string {
  let taken = 0;
  let word = '';
  while (taken < units && words.length > 0) {
    word = words.pop()!;
    taken += word.length;
  }
  return word.slice(0, Math.max(0, taken - units));
}

function isLocal(normalizer: Step | null): boolean {
  if (normalizer === null) return true;
  if (normalizer.type === 'Sequence') return (normalizer.normalizers ?? []).every(isLocal);
  if (normalizer.type !== 'Replace') return LOCAL_NORMALIZERS.has(normalizer.type);
  const { String: text, Regex: pattern } = normalizer.pattern ?? {};
  // Local are replacements of spaces alone, or of one character.
  return text !== undefined
    ? text.length === 1 || text.trim() === ''
    : /^(?: |\\s|\[ \])(?:\{\d+,?\d*\}|\+|\*)?$/.test(pattern ?? '');
}

function partingOf(parter: Step | null): Parting | null {
  switch (parter?.type) {
    case 'BertPreTokenizer':
      return 'punctuation';
    case 'WhitespaceSplit':
    case 'Whitespace':
      return 'spaces';
    case 'ByteLevel':
      return parter.use_regex === false ? null : 'punctuation, spaces kept';
    case 'Metaspace':
      return 'none';
    case 'Sequence': {
      const [first] = parter.pretokenizers ?? [];
      return first === undefined || first.type === 'Metaspace' ? null : partingOf(first);
    }
    default:
      return null;
  }
}
