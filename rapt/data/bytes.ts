/** A text file as blocks of whole lines in UTF-8, unzipped when it ends in .gz. Memory: one block and one line, whatever the size. */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BadInput } from '../../contracts/index.ts';
import type { ReportProblem } from './problems.ts';
import { sourceOf } from './source.ts';

const READ_BYTES = 1 << 18;
/** Far above any real line; a file without line breaks would otherwise be read into memory whole. */
const LONGEST_LINE_BYTES = 64 << 20;
const NEWLINE = 0x0a;

export interface LineBlock {
  /** Whole lines, line breaks included; only the file's last line may lack one. */
  readonly bytes: Buffer;
  /** 1-based number of the block's first line. */
  readonly firstLine: number;
}

export interface Line {
  readonly text: string;
  /** 1-based. */
  readonly number: number;
}

/** Reads whole lines. A byte order mark is dropped; each line that is not UTF-8 is reported and comes with replacement characters.
 *  @throws BadInput for UTF-16, for a broken .gz file and for a line of more than 64 MiB. */
export async function* readBlocks(file: string, report: ReportProblem): AsyncGenerator<LineBlock> {
  let firstLine = 1;
  let started = false;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of openBytes(file)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = rest.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      if (rest.length > LONGEST_LINE_BYTES)
        throw new BadInput([{ where: `${file}, line ${firstLine}`, problem: 'is longer than 64 MiB; is this a text table with line breaks?' }]);
      continue;
    }
    const bytes = started ? rest.subarray(0, end) : withoutByteOrderMark(file, rest.subarray(0, end));
    started = true;
    reportInvalid(file, bytes, firstLine, report);
    yield { bytes, firstLine };
    firstLine += countNewlines(bytes);
    rest = rest.subarray(end);
  }
  if (!started) rest = withoutByteOrderMark(file, rest);
  if (rest.length === 0) return;
  reportInvalid(file, rest, firstLine, report);
  yield { bytes: rest, firstLine };
}

/** Reads line by line, without the line breaks (LF or CRLF). */
export async function* readLines(file: string, report: ReportProblem): AsyncGenerator<Line> {
  for await (const { bytes, firstLine } of readBlocks(file, report)) {
    let number = firstLine;
    for (let start = 0; start < bytes.length; number++) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      const text = bytes.toString('utf8', start, end > start && bytes[end - 1] === 0x0d ? end - 1 : end);
      yield { text, number };
      start = end + 1;
    }
  }
}

async function* openBytes(file: string): AsyncGenerator<Buffer> {
  const bytes = sourceOf(file).read(file);
  if (!file.toLowerCase().endsWith('.gz')) {
    yield* bytes;
    return;
  }
  const plain = bytes instanceof Readable ? bytes : Readable.from(bytes);
  const unzipped = createGunzip({ chunkSize: READ_BYTES });
  // The iteration below sees an error of either stream: a pipeline destroys its end with it.
  pipeline(plain, unzipped, () => undefined);
  try {
    yield* unzipped as AsyncIterable<Buffer>;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_') && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    throw new BadInput([{ where: file, problem: 'is not a complete gzip file; compress it again, or give it without .gz' }]);
  } finally {
    plain.destroy();
    unzipped.destroy();
  }
}

function withoutByteOrderMark(file: string, bytes: Buffer): Buffer {
  const [a, b, c] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))
    throw new BadInput([{ where: file, problem: 'is UTF-16 text; save it as UTF-8' }]);
  return a === 0xef && b === 0xbb && c === 0xbf ? bytes.subarray(3) : bytes;
}

function reportInvalid(file: string, bytes: Buffer, firstLine: number, report: ReportProblem): void {
  if (isUtf8(bytes)) return;
  let line = firstLine;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end)))
      report({ where: `${file}, line ${line}`, problem: 'is not valid UTF-8; save the file as UTF-8 (it may be Latin-1 or Windows-1252)' });
    start = end + 1;
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
