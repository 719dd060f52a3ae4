/** Finds the tokens of a vocabulary with which a text goes on. Looks up each beginning of what follows, up to the
 *  longest token that begins with its first character: a set costs a fraction of a tree's time and memory to make. */
export class Prefixes {
  readonly #tokens: ReadonlySet<string>;
  /** By first character, the length of the longest token, in UTF-16 units, which are no fewer than its characters. */
  readonly #longest = new Map<string, number>();

  constructor(tokens: readonly string[]) {
    this.#tokens = new Set(tokens);
    for (const token of tokens) {
      const first = firstCharacter(token);
      this.#longest.set(first, Math.max(this.#longest.get(first) ?? 0, token.length));
    }
  }

  /** Yields the shortest token first. The package calls it by this name. */
  *common_prefix_search(characters: readonly string[], start = 0): Generator<string> {
    const end = Math.min(characters.length, start + (this.#longest.get(characters[start]!) ?? 0));
    let prefix = '';
    for (let at = start; at < end; at++) {
      prefix += characters[at]!;
      if (this.#tokens.has(prefix)) yield prefix;
    }
  }
}

const firstCharacter = (token: string): string => (token === '' ? '' : String.fromCodePoint(token.codePointAt(0)!));
