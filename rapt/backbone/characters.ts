/** What becomes of a single character in BERT's tokenizers, where each character is normalized by itself and words are
 *  parted at spaces and punctuation. */

/** The characters at which BERT's tokenizers part words. */
const PARTED = /[\s\p{P}!-/:-@[-`{-~]/u;
const PARTED_FIRST = /^[\s\p{P}!-/:-@[-`{-~]/u;
const PARTED_LAST = /[\s\p{P}!-/:-@[-`{-~]$/u;
const UNITS = 1 << 16;

const KNOWN = 1;
const PARTS_BEFORE = 2;
const PARTS_AFTER = 4;
const IN_WORD = 8;
const SPACE = 16;
const NOTHING = 32;

export class Characters {
  readonly #normalize: (text: string) => string;
  /** The kinds of characters of one UTF-16 unit; 0 until a character was looked at. */
  readonly #kinds = new Uint8Array(UNITS);
  readonly #ofPairs = new Map<string, number>();

  /** @param normalize must turn each character into something that depends on that character alone. */
  constructor(normalize: (text: string) => string) {
    this.#normalize = normalize;
  }

  /** Whether a word ends at this place of a text, whatever stands around the two characters there. */
  partAt(text: string, at: number): boolean {
    if (isLow(text, at)) return false;
    return (this.#kindBefore(text, at) & PARTS_AFTER) > 0 || (this.#kindAt(text, at) & PARTS_BEFORE) > 0;
  }

  /** Whether the character before this place is a space, or leaves nothing behind. */
  isNothingBefore(text: string, at: number): boolean {
    return (this.#kindBefore(text, at) & (SPACE | NOTHING)) > 0;
  }

  /** The first place from here on that is not within one word. */
  endOfWord(text: string, start: number): number {
    return this.#endOf(text, start, IN_WORD);
  }

  /** The first place from here on that changes a token. Behind a space, more spaces change nothing; neither do
   *  characters that leave nothing behind. */
  endOfNothing(text: string, start: number): number {
    let at = start;
    while (at > 0 && (this.#kindBefore(text, at) & NOTHING) > 0) at--;
    const isAfterSpace = at > 0 && (this.#kindBefore(text, at) & SPACE) > 0;
    return this.#endOf(text, start, isAfterSpace ? SPACE | NOTHING : NOTHING);
  }

  /** How many characters of one word a text becomes; 0 when it is parted. */
  lengthOfWord(text: string): number {
    const word = this.#normalize(text);
    return PARTED.test(word) ? 0 : Array.from(word).length;
  }

  #endOf(text: string, start: number, kind: number): number {
    let at = start;
    while (at < text.length && (this.#kindAt(text, at) & kind) > 0)
      at += isLow(text, at + 1) && isHigh(text, at) ? 2 : 1;
    return at;
  }

  #kindBefore(text: string, at: number): number {
    return this.#kindAt(text, isLow(text, at - 1) && isHigh(text, at - 2) ? at - 2 : at - 1);
  }

  #kindAt(text: string, at: number): number {
    if (isHigh(text, at) && isLow(text, at + 1)) {
      const pair = text.slice(at, at + 2);
      const known = this.#ofPairs.get(pair);
      if (known !== undefined) return known;
      const kind = this.#lookAt(pair);
      this.#ofPairs.set(pair, kind);
      return kind;
    }
    const unit = text.charCodeAt(at);
    return this.#kinds[unit]! || (this.#kinds[unit] = this.#lookAt(text[at]!));
  }

  #lookAt(character: string): number {
    const outcome = this.#normalize(character);
    if (outcome === '') return KNOWN | NOTHING | IN_WORD;
    if (outcome.trim() === '') return KNOWN | SPACE | PARTS_BEFORE | PARTS_AFTER;
    return (
      KNOWN |
      (PARTED_FIRST.test(outcome) ? PARTS_BEFORE : 0) |
      (PARTED_LAST.test(outcome) ? PARTS_AFTER : 0) |
      (PARTED.test(outcome) ? 0 : IN_WORD)
    );
  }
}

const isHigh = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xd800;
const isLow = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;
