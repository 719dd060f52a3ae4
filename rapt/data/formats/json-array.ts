/** The elements of a JSON array that fills a file, as `to_json(orient="records")` of pandas writes it. Memory: one
 *  element. */
import { BadInput } from '../../../contracts/index.ts';
import type { ReportProblem } from '../problems.ts';
import { LONGEST_LINE_BYTES, readText, type Line } from './text.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const OPENING = new Set(Buffer.from('[{'));
const CLOSING = new Set(Buffer.from(']}'));
const SPACE = new Set(Buffer.from(' \t\r\n'));

/** The text of each element, and the line on which it begins. The elements themselves are not parsed.
 *  @throws BadInput when the array is not complete, or an element has more than 64 MiB. */
export async function* readElements(file: string, report: ReportProblem): AsyncGenerator<Line> {
  const state = new ArrayState();
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for await (const block of readText(file, report)) {
    let start = 0;
    for (let at = 0; at < block.length; at++) {
      const event = state.next(block[at]!);
      if (event === 'begins') start = at;
      if (event === 'is wrong') throw broken(file, state.line);
      if (event !== 'ends') continue;
      const text = Buffer.concat([...begun, block.subarray(start, at)]).toString('utf8');
      begun = [];
      begunBytes = 0;
      yield { text, number: state.firstLine };
    }
    if (!state.isWithin) continue;
    begun.push(block.subarray(start));
    begunBytes += block.length - start;
    if (begunBytes > LONGEST_LINE_BYTES)
      throw new BadInput([
        { where: `${file}, line ${state.firstLine}`, problem: 'begins an element of more than 64 MiB' },
      ]);
  }
  if (!state.hasEnded) throw broken(file, state.line);
}

const broken = (file: string, line: number): BadInput =>
  new BadInput([
    { where: `${file}, line ${line}`, problem: 'is not a complete JSON array; write the table as JSON Lines or CSV' },
  ]);

/** Follows the bytes of an array, and tells where its elements begin and end. */
class ArrayState {
  /** How many brackets are open. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Whether an element has begun and not ended. */
  isWithin = false;
  /** Whether the array has ended. */
  hasEnded = false;
  /** Lines of the last byte, and of the element's first one. 1-based. */
  line = 1;
  firstLine = 1;

  next(byte: number): 'begins' | 'ends' | 'is wrong' | null {
    if (byte === NEWLINE) this.line++;
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return null;
    }
    if (this.#depth === 0 || this.hasEnded) return this.#outside(byte);
    if (this.#depth === 1 && (byte === COMMA || CLOSING.has(byte))) return this.#endElement(byte);
    const begins = !this.isWithin && !SPACE.has(byte);
    if (begins) {
      this.isWithin = true;
      this.firstLine = this.line;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (OPENING.has(byte)) this.#depth++;
    else if (CLOSING.has(byte)) this.#depth--;
    return begins ? 'begins' : null;
  }

  #outside(byte: number): 'is wrong' | null {
    if (SPACE.has(byte)) return null;
    if (this.hasEnded || byte !== 0x5b) return 'is wrong';
    this.#depth = 1;
    return null;
  }

  #endElement(byte: number): 'ends' | null {
    const ended = this.isWithin;
    this.isWithin = false;
    if (byte !== COMMA) {
      this.hasEnded = true;
      this.#depth = 0;
    }
    return ended ? 'ends' : null;
  }
}
