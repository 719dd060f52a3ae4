/** CSV by RFC 4180: quotes inside quotes are doubled, line breaks may stand inside quotes, and lines end with LF, CRLF
 *  or CR. A quote inside an unquoted field is an ordinary character, as for Python's reader. Commas part the fields, or
 *  whatever parts the names in the header. */
import { parse } from 'csv-parse';
import type { CsvError, Info, Parser } from 'csv-parse';
import { BadInput } from '../../../contracts/index.ts';
import { looksLikeName } from '../columns.ts';
import { describePlace } from '../problems.ts';
import type { ReportProblem } from '../problems.ts';
import type { TableFormat, TableRecord } from './table-format.ts';
import { LONGEST_LINE_BYTES, readText } from './text.ts';

/** Tried where the header has no comma, the likeliest first. */
const OTHER_DELIMITERS = [';', '\t', '|'];

interface CsvRecord {
  readonly fields: readonly string[];
  /** 1-based line on which the record starts. */
  readonly line: number;
  /** Empty lines from the file's start to this record. */
  readonly emptyLines: number;
}

export const csv: TableFormat = {
  columns: async (file) => (await readHead(file)).names,
  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    yield* delimitedRecords(file, (await readHead(file)).delimiter, columns, report);
  },
};

/** Streams the records of a file whose fields may be quoted. */
export async function* delimitedRecords(
  file: string,
  delimiter: string,
  columns: readonly string[],
  report: ReportProblem,
): AsyncGenerator<TableRecord> {
  let header: CsvRecord | undefined;
  let indexes: number[] = [];
  let number = 0;
  let emptyLines = 0;
  for await (const record of parseRecords(file, delimiter, report)) {
    if (header === undefined) {
      const names = record.fields.map((name) => name.trim());
      indexes = columns.map((column) => names.indexOf(column));
      header = record;
      emptyLines = record.emptyLines;
      continue;
    }
    const place = { line: record.line, number: number++ };
    if (hasMoreFields(record.fields, header.fields.length)) {
      const problem =
        `has ${record.fields.length} fields, the header ${header.fields.length}; ` +
        `put a text with ${NAMES[delimiter]} or quotes in quotes, and double the quotes inside`;
      report({ where: describePlace(file, place), problem });
      continue;
    }
    yield {
      ...place,
      cells: indexes.map((index) => record.fields[index] ?? null),
      emptyLinesBefore: record.emptyLines - emptyLines,
    };
    emptyLines = record.emptyLines;
  }
}

const NAMES: Readonly<Record<string, string>> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars' };

/** Whether a record has more fields than the header. Empty fields at its end do not count: delimiters at the end of a
 *  line make them. */
export function hasMoreFields(fields: readonly string[], width: number): boolean {
  return fields.length > width && fields.slice(width).some((field) => field !== '');
}

/** Whether every record has as many fields as the header, if quotes hold a field together. */
export async function isTableWithQuotes(file: string, delimiter: string): Promise<boolean> {
  let width: number | undefined;
  try {
    for await (const { fields } of parseRecords(file, delimiter, () => undefined)) {
      width ??= fields.length;
      if (fields.length !== width) return false;
    }
  } catch (error) {
    if (error instanceof BadInput) return false;
    throw error;
  }
  return true;
}

/** Excel takes such a first line for an instruction; every other reader takes it for the header. */
const EXCEL_LINE = /^sep=.?$/i;

/** The names of the columns, and the delimiter between them. A header of one column is taken to have commas.
 *  @throws BadInput for an empty file. */
export async function readHead(file: string): Promise<{ names: readonly string[]; delimiter: string }> {
  const names = await namesBetween(file, ',');
  if (EXCEL_LINE.test(names.join(',')))
    throw new BadInput([
      {
        where: file,
        problem: 'begins with a line "sep=" that only Excel knows; remove it, so that the first line names the columns',
      },
    ]);
  if (names.length > 1) return { names, delimiter: ',' };
  for (const delimiter of OTHER_DELIMITERS) {
    if (!names[0]!.includes(delimiter)) continue;
    const others = await namesBetween(file, delimiter);
    if (others.length > 1 && others.every(looksLikeName)) return { names: others, delimiter };
  }
  return { names, delimiter: ',' };
}

async function namesBetween(file: string, delimiter: string): Promise<readonly string[]> {
  for await (const { fields } of parseRecords(file, delimiter, () => undefined))
    return fields.map((name) => name.trim());
  throw new BadInput([{ where: file, problem: 'is empty; its first line must name the columns' }]);
}

async function* parseRecords(file: string, delimiter: string, report: ReportProblem): AsyncGenerator<CsvRecord> {
  const parser = parse({
    info: true,
    delimiter,
    // In this order: CRLF must be tried before CR.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    // A larger record has a quote that is never closed. Without a limit the parser would hold the rest of the file.
    max_record_size: LONGEST_LINE_BYTES,
  });
  let crlfInFields = 0;
  let nextLine = 1;
  const described = ({ record, info }: ParsedRecord): CsvRecord => {
    const breaks = record.map(countLineBreaks);
    crlfInFields += breaks.reduce((sum, { crlf }) => sum + crlf, 0);
    // `lines` is the line of the record's end, where the parser counts a CRLF inside quotes as two lines.
    const lastLine = info.lines - crlfInFields;
    nextLine = lastLine + 1;
    return {
      fields: record,
      line: lastLine - breaks.reduce((sum, { all }) => sum + all, 0),
      emptyLines: info.empty_lines,
    };
  };
  // Errors are looked at below, by `parser.errored`.
  parser.on('error', () => undefined);
  try {
    // Record by record, so that all records before an error have been given out.
    for await (const block of readText(file, report)) {
      parser.write(block);
      for (let parsed = next(parser); parsed !== null; parsed = next(parser)) yield described(parsed);
      if (parser.errored !== null) throw parser.errored;
    }
    parser.end();
    for await (const parsed of parser as AsyncIterable<ParsedRecord>) yield described(parsed);
  } catch (error) {
    const code = (error as CsvError).code;
    // The parser's own messages quote the field.
    if (code === 'CSV_QUOTE_NOT_CLOSED' || code === 'CSV_MAX_RECORD_SIZE')
      throw new BadInput([
        { where: `${file}, line ${nextLine}`, problem: 'starts a record in which a quote is opened and never closed' },
      ]);
    if (typeof code === 'string' && code.startsWith('CSV_'))
      throw new BadInput([
        { where: `${file}, line ${nextLine}`, problem: `starts a record that cannot be read as CSV (${code})` },
      ]);
    throw error;
  } finally {
    parser.destroy();
  }
}

interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: Info;
}

const next = (parser: Parser): ParsedRecord | null => parser.read() as ParsedRecord | null;

function countLineBreaks(field: string): { all: number; crlf: number } {
  let all = 0;
  let crlf = 0;
  for (const lineBreak of field.includes('\n') || field.includes('\r') ? field.matchAll(/\r\n|[\r\n]/g) : []) {
    all++;
    if (lineBreak[0] === '\r\n') crlf++;
  }
  return { all, crlf };
}

/** A cell as a CSV file holds it (RFC 4180). */
export const csvCell = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
