/** Marked strings: each stands in one place that must not leave the client, and is known again, by name, in whatever
 *  encoding it left. */
import { randomInt } from 'node:crypto';
import type { Tokenizer } from '../../../rapt/backbone/index.ts';
import { whole, type Windows } from './marker-index.ts';

/** Of these no language makes words, so that a tokenizer cuts them into many pieces. */
const LETTERS = 'jkqvwxz';
const PREFIX_LETTERS = 12;
const CODE_DIGITS = 4;
/** In base64 the last bits of a text are joined with what follows. */
const END = 'k';
/** A marker of so many pieces does not get through the mechanism by chance: at the etas of the hunt a token stays
 *  itself once in some 500 draws (`rapt calibrate`), so that a marker does once in 10^16. */
const LEAST_PIECES = 6;

/** How a text may be written. */
interface Encoding {
  readonly name: string;
  readonly encode: (text: string) => Uint8Array;
}

export class Markers {
  /** Letters and digits alone: escaped for JSON, URLs, HTML, CSV or a shell they stay as they are, so that searching
   *  for their bytes finds them in all of these. New in every hunt, so that it stands in no source, cache or earlier
   *  run. */
  readonly prefix: string;
  readonly #encodings: readonly Encoding[];
  readonly #planted = new Map<string, string>();

  constructor(tokenizer: Tokenizer) {
    do
      this.prefix = `Q${Array.from({ length: PREFIX_LETTERS - 1 }, () => LETTERS[randomInt(LETTERS.length)]).join('')}`;
    while (tokenizer.encode(this.prefix, PREFIX_LETTERS).length < LEAST_PIECES);
    this.#encodings = [...textEncodings(), ...tokenEncodings(tokenizer)];
  }

  /** A new marked string. @param where it is going to stand, for whoever reads that it was found. */
  plant(where: string): string {
    const marker = this.prefix + this.#planted.size.toString(36).padStart(CODE_DIGITS, '0') + END;
    this.#planted.set(marker, where);
    return marker;
  }

  get planted(): ReadonlyMap<string, string> {
    return this.#planted;
  }

  get encodings(): readonly string[] {
    return this.#encodings.map(({ name }) => name);
  }

  /** One needle for each encoding: what all marked strings begin with in it, those too that are planted later. */
  needles(): Windows[] {
    const markers = Array.from(
      { length: 36 },
      (_, digit) => this.prefix + digit.toString(36).repeat(CODE_DIGITS) + END,
    );
    return this.#encodings.map(({ name, encode }) => whole(name, markers.map(encode).reduce(commonStart)));
  }

  /** The marked string that begins at an offset in an encoding; null when it is cut off or was changed. */
  nameAt(bytes: Uint8Array, offset: number, encoding: string): string | null {
    const { encode } = this.#encodings.find(({ name }) => name === encoding)!;
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const marker of this.#planted.keys()) {
      const encoded = encode(marker);
      if (found.subarray(offset, offset + encoded.length).equals(encoded)) return marker;
    }
    return null;
  }

  /** A text in an encoding of the hunt's, to show that it is found. */
  encode(text: string, encoding: string): Uint8Array {
    return this.#encodings.find(({ name }) => name === encoding)!.encode(text);
  }
}

function commonStart(a: Uint8Array, b: Uint8Array): Uint8Array {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.subarray(0, length);
}

/** Bytes of an escape for each byte. */
const escaped =
  (prefix: string, digits: number, upper: boolean) =>
  (text: string): Uint8Array =>
    Buffer.from(Array.from(Buffer.from(text), (byte) => prefix + hex(byte, digits, upper)).join(''));
const hex = (byte: number, digits: number, upper: boolean): string => {
  const code = byte.toString(16).padStart(digits, '0');
  return upper ? code.toUpperCase() : code;
};

function textEncodings(): Encoding[] {
  const forms: Encoding[] = [
    { name: 'utf-8', encode: (text) => Buffer.from(text) },
    { name: 'utf-16le', encode: (text) => Buffer.from(text, 'utf16le') },
    { name: 'utf-16be', encode: (text) => Buffer.from(text, 'utf16le').swap16() },
    { name: 'hex', encode: escaped('', 2, false) },
    { name: 'HEX', encode: escaped('', 2, true) },
    { name: 'url-encoded', encode: escaped('%', 2, true) },
    { name: 'url-encoded in small letters', encode: escaped('%', 2, false) },
    { name: 'json-escaped', encode: escaped('\\u', 4, false) },
    // The same bytes in base64 and in base64url: none of a marker's characters has the codes in which the two differ.
    ...[0, 1, 2].map((alignment) => ({
      name: `base64 at ${alignment}`,
      encode: (text: string) => base64At(text, alignment),
    })),
  ];
  const cases: readonly [string, (text: string) => string][] = [
    ['', (text) => text],
    [' of lower case', (text) => text.toLowerCase()],
    [' of upper case', (text) => text.toUpperCase()],
  ];
  return cases.flatMap(([name, change]) =>
    forms.map((form) => ({ name: form.name + name, encode: (text: string) => form.encode(change(text)) })),
  );
}

/** The characters of base64 that hang on the text alone when it begins at this place of a group of three bytes. */
function base64At(text: string, alignment: number): Uint8Array {
  const bytes = Buffer.from(text);
  const code = Buffer.concat([Buffer.alloc(alignment), bytes]).toString('base64');
  return Buffer.from(code.slice(Math.ceil((alignment * 4) / 3), Math.floor(((alignment + bytes.length) * 4) / 3)));
}

/** A text's token ids and its word pieces. The pieces joined without their marks are the text again. */
function tokenEncodings(tokenizer: Tokenizer): Encoding[] {
  const ids = (text: string): Int32Array => tokenizer.encode(text, text.length);
  const listed =
    (separator: string) =>
    (text: string): Uint8Array =>
      Buffer.from(ids(text).join(separator));
  return [
    { name: 'token ids in JSON', encode: listed(',') },
    { name: 'token ids in spaced JSON', encode: listed(', ') },
    { name: 'token ids in lines', encode: listed('\n') },
    { name: 'token ids as int16', encode: (text) => new Uint8Array(Int16Array.from(ids(text)).buffer) },
    { name: 'token ids as int32', encode: (text) => new Uint8Array(ids(text).slice().buffer) },
    { name: 'token ids as int64', encode: (text) => new Uint8Array(BigInt64Array.from(ids(text), BigInt).buffer) },
    {
      name: 'word pieces',
      encode: (text) => Buffer.from(Array.from(ids(text), (id) => tokenizer.tokens[id]).join(' ')),
    },
  ];
}
