/** Numbers as texts. A number may be a label, so two numbers that differ must never get the same text by rounding. */

/** All other numbers have so few digits, and so small an exponent, that 64 bits hold them exactly. */
const MAY_BE_ROUNDED = /[\d.]{16}|\d[eE][+-]?\d{2}/;
/** Python's `json` writes these, though JSON does not have them. */
const NOT_A_NUMBER = /-?\b(?:NaN|Infinity)\b/g;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The numbers of a JSON object that 64 bits would round, by their keys, as they are written in the text.
 *  @param text the text that `object` was parsed from. */
export function roundedNumbers(
  text: string,
  object: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): ReadonlyMap<string, string> {
  const numeric = keys.filter((key) => typeof object[key] === 'number');
  if (numeric.length === 0 || !MAY_BE_ROUNDED.test(text)) return new Map();
  return new Map(
    [...writtenNumbers(text)].filter(
      ([key, written]) => numeric.includes(key) && exactly(written) !== exactly(String(object[key])),
    ),
  );
}

/** The numbers among an object's own values, by their keys. If two keys are equal, the last one counts, as for
 *  `JSON.parse`.
 *  @param text valid JSON, which may also hold NaN and infinities. */
function writtenNumbers(text: string): Map<string, string> {
  const numbers = new Map<string, string>();
  let depth = 0;
  let key: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && key === null) key = JSON.parse(text.slice(at, end + 1)) as string;
      at = end;
    } else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (depth === 1 && character === ',') key = null;
    else if (depth === 1 && key !== null && (character === '-' || (character >= '0' && character <= '9'))) {
      NUMBER.lastIndex = at;
      const written = NUMBER.exec(text)?.[0];
      // This was the minus of an infinity.
      if (written === undefined) continue;
      numbers.set(key, written);
      at += written.length - 1;
    }
  }
  return numbers;
}

/** Puts null for each NaN and infinity of a text, which may then be JSON. Strings stay as they are. */
export function withNullForNaN(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const string = quote < 0 ? text.length : quote;
    const end = quote < 0 ? -1 : endOfString(text, quote);
    const next = end < 0 ? text.length : end + 1;
    parts.push(text.slice(at, string).replaceAll(NOT_A_NUMBER, 'null'), text.slice(string, next));
    at = next;
  }
  return parts.join('');
}

/** Where the quote stands that ends the string which begins at `start`; -1 when it is missing. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    if (end < 0) return -1;
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

/** One text for all ways to write a number, and another for every other number. */
function exactly(written: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(written) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return sign === undefined ? written : '0';
  const zerosAtTheEnd = digits.length - significant.length;
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(zerosAtTheEnd);
  return `${sign}${significant}e${power}`;
}

/** The exact text of a decimal number, without zeros at its end.
 *  @param unscaled the number times 10 to the power of `scale`. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const fraction = digits.slice(-scale).replace(/0+$/, '');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`;
}
