/** The content of a text file as UTF-8. Memory: one block, or one line when it is read by lines, however long the
 *  file. */
import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { BadInput } from '../../../contracts/index.ts';
import { contentOf, HEAD_BYTES } from '../../content.ts';
import { wholeCharacters } from '../../utf8.ts';
import { chained, gather, openBytes } from './bytes.ts';
import type { ReportProblem } from '../problems.ts';

/** Far above any real line. Without a limit, a file without line breaks would be read into memory as a whole. */
export const LONGEST_LINE_BYTES = 64 << 20;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Line {
  readonly text: string;
  /** 1-based. */
  readonly number: number;
}

/** Streams a file of UTF-8 or UTF-16 as blocks of UTF-8 of any length, without a byte order mark. A line that is not in
 *  the file's encoding is reported, and given out as it is.
 *  @throws BadInput when the compressed file is broken. */
export async function* readText(file: string, report: ReportProblem): AsyncGenerator<Buffer> {
  const source = openBytes(file);
  try {
    const head = Buffer.concat(await gather(source, HEAD_BYTES));
    const kind = contentOf(head.subarray(0, HEAD_BYTES));
    const encoding = kind === 'utf-16le' || kind === 'utf-16be' ? kind : 'utf-8';
    const bytes = chained([head], source);
    const lines = new BadLines(file, encoding, report);
    let isFirst = true;
    for await (const block of encoding === 'utf-8' ? utf8(bytes, lines) : fromUtf16(bytes, encoding, lines)) {
      const marked = isFirst && block[0] === 0xef && block[1] === 0xbb && block[2] === 0xbf;
      isFirst = false;
      const text = marked ? block.subarray(3) : block;
      if (text.length > 0) yield text;
    }
  } finally {
    await source.return(undefined);
  }
}

/** Streams the lines of a file without their line breaks: LF or CRLF, or CR when the file has no others.
 *  @throws BadInput for a line of more than 64 MiB. */
export async function* readLines(file: string, report: ReportProblem): AsyncGenerator<Line> {
  let number = 1;
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let lineBreak: number | undefined;
  const lineOf = (end: Buffer): Line => {
    const bytes = begun.length === 0 ? end : Buffer.concat([...begun, end]);
    begun = [];
    begunBytes = 0;
    return {
      text: bytes.toString('utf8', 0, bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length),
      number: number++,
    };
  };
  for await (const block of readText(file, report)) {
    // A CR at the block's end may be half of a CRLF.
    lineBreak ??=
      block.includes(NEWLINE) || !block.subarray(0, -1).includes(CARRIAGE_RETURN) ? NEWLINE : CARRIAGE_RETURN;
    let start = 0;
    for (let end = block.indexOf(lineBreak); end >= 0; end = block.indexOf(lineBreak, start)) {
      yield lineOf(block.subarray(start, end));
      start = end + 1;
    }
    if (start === block.length) continue;
    begun.push(block.subarray(start));
    begunBytes += block.length - start;
    if (begunBytes > LONGEST_LINE_BYTES)
      throw new BadInput([
        { where: `${file}, line ${number}`, problem: 'is longer than 64 MiB; is this a text table with line breaks?' },
      ]);
  }
  if (begun.length > 0) yield lineOf(Buffer.alloc(0));
}

/** Reports the lines that are not in the encoding of their file, each line once. */
class BadLines {
  readonly #file: string;
  readonly #problem: string;
  readonly #report: ReportProblem;
  #line = 1;
  #reported = 0;

  constructor(file: string, encoding: string, report: ReportProblem) {
    this.#file = file;
    this.#report = report;
    this.#problem =
      encoding === 'utf-8'
        ? 'is not valid UTF-8; save the file as UTF-8 (it may be Latin-1 or Windows-1252)'
        : 'holds half a character; save the file as UTF-8';
  }

  /** Counts the lines of a block.
   *  @param found of a good block the number of its line breaks; of any other, for each part between line breaks
   *  whether it is good. */
  check(found: number | readonly boolean[]): void {
    if (typeof found === 'number') {
      this.#line += found;
      return;
    }
    for (const [at, isGood] of found.entries()) {
      if (at > 0) this.#line++;
      if (!isGood) this.#tell();
    }
  }

  #tell(): void {
    if (this.#reported === this.#line) return;
    this.#reported = this.#line;
    this.#report({ where: `${this.#file}, line ${this.#line}`, problem: this.#problem });
  }
}

async function* utf8(bytes: AsyncIterable<Buffer>, lines: BadLines): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = wholeCharacters(block);
    rest = block.subarray(end);
    if (end === 0) continue;
    const whole = block.subarray(0, end);
    lines.check(isUtf8(whole) ? countNewlines(whole) : linesOf(whole).map(isUtf8));
    yield whole;
  }
  if (rest.length === 0) return;
  lines.check([isUtf8(rest)]);
  yield rest;
}

async function* fromUtf16(
  bytes: AsyncIterable<Buffer>,
  encoding: 'utf-16le' | 'utf-16be',
  lines: BadLines,
): AsyncGenerator<Buffer> {
  const decoder = new StringDecoder('utf16le');
  let odd: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    // A copy, since the bytes of each pair are swapped in place.
    const block = Buffer.concat([odd, chunk]);
    const even = block.subarray(0, block.length - (block.length % 2));
    odd = block.subarray(even.length);
    yield* encoded(decoder.write(encoding === 'utf-16be' ? even.swap16() : even), lines);
  }
  yield* encoded(decoder.end() + (odd.length > 0 ? '\ud800' : ''), lines);
}

function* encoded(text: string, lines: BadLines): Generator<Buffer> {
  if (text === '') return;
  const block = Buffer.from(text, 'utf8');
  lines.check(
    HALF_CHARACTER.test(text) ? text.split('\n').map((line) => !HALF_CHARACTER.test(line)) : countNewlines(block),
  );
  yield block;
}

const HALF_CHARACTER = /\p{Cs}/u;

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}
