/** Which texts a release holds, without the texts: keyed digests of 64 bits, sorted.
 *
 *  The key stays on the client, so nobody else can test a guess. Two of a million texts share a digest with a chance of
 *  3e-8; they are then counted as one text, which errs on the side of privacy. */
import { createHmac } from 'node:crypto';

/** Digests in ascending order, one for each time that a text occurs. */
export type TextDigests = BigUint64Array;

/** A long text is normalized in parts of about so many UTF-16 units, which takes a third of the time. */
const PART_UNITS = 1 << 16;

/** A text's digest. Texts that differ only in case, spacing or Unicode form count as one: tokenizers hardly tell them
 *  apart. */
export function digestOfText(text: string, secret: Uint8Array): bigint {
  const hash = createHmac('sha256', secret).update('text\0');
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = endOfPart(text, start + PART_UNITS);
    const normal = text.slice(start, end).normalize('NFKC').toLowerCase().replace(/\s+/g, ' ');
    const begun = start === 0 ? normal.trimStart() : normal;
    hash.update(end === text.length ? begun.trimEnd() : begun);
  }
  return hash.digest().readBigUInt64BE();
}

/** The next place at which normalizing the text in parts makes no difference: between an ASCII sign and a space. */
function endOfPart(text: string, wanted: number): number {
  for (let at = wanted; at < text.length; at++)
    if (text[at] === ' ' && text[at - 1]! > ' ' && text[at - 1]! <= '~') return at;
  return text.length;
}

/** Gathers the digests of many texts: 8 bytes each. */
export class TextCollector {
  readonly #secret: Uint8Array;
  #digests = new BigUint64Array(1024);
  #count = 0;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  add(text: string): void {
    if (this.#count === this.#digests.length) {
      const larger = new BigUint64Array(2 * this.#count);
      larger.set(this.#digests);
      this.#digests = larger;
    }
    this.#digests[this.#count++] = digestOfText(text, this.#secret);
  }

  finish(): TextDigests {
    return this.#digests.slice(0, this.#count).sort();
  }
}

/** How often each distinct text occurs. */
export interface TextCounts {
  /** Ascending. */
  readonly digests: BigUint64Array;
  readonly times: Uint32Array;
}

export function countTexts(texts: TextDigests): TextCounts {
  const digests = new BigUint64Array(texts.length);
  const times = new Uint32Array(texts.length);
  let distinct = 0;
  for (let at = 0; at < texts.length; at++) {
    if (at === 0 || texts[at] !== texts[at - 1]) digests[distinct++] = texts[at]!;
    times[distinct - 1]!++;
  }
  return { digests: digests.slice(0, distinct), times: times.slice(0, distinct) };
}

/** Calls back for every place at which `other` holds a digest of `texts`, as often as it does. Both are sorted: one
 *  pass over each. */
export function forEachCommon(texts: BigUint64Array, other: TextDigests, onCommon: (place: number) => void): void {
  let place = 0;
  for (const digest of other) {
    while (place < texts.length && texts[place]! < digest) place++;
    if (place === texts.length) return;
    if (texts[place] === digest) onCommon(place);
  }
}

export const encodeTexts = (texts: TextDigests): Buffer =>
  Buffer.from(texts.buffer, texts.byteOffset, texts.byteLength);

export function decodeTexts(bytes: Buffer): TextDigests {
  // Copied: a buffer from the pool may begin at any byte.
  return new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
