/** CSV by RFC 4180: comma, quotes doubled inside quotes, line breaks allowed inside quotes, LF or CRLF or CR. As Python's reader does,
 *  a quote inside an unquoted field is an ordinary character. */
import { pipeline, Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { CsvError, Info } from 'csv-parse';
import { BadInput } from '../../contracts/index.ts';
import { readBlocks } from './bytes.ts';
import { describePlace } from './problems.ts';
import type { ReportProblem } from './problems.ts';
import type { TableFormat, TableRecord } from './record.ts';

/** A record this large is a quote that is never closed; without a limit the parser would gather the rest of the file. */
const LARGEST_RECORD_BYTES = 16 << 20;

interface CsvRecord {
  readonly fields: readonly string[];
  /** 1-based line on which the record starts. */
  readonly line: number;
  /** Empty lines from the file's start to this record. */
  readonly emptyLines: number;
}

export const csv: TableFormat = {
  async columns(file) {
    for await (const header of parseRecords(file, () => undefined)) return header.fields.map((name) => name.trim());
    throw new BadInput([{ where: file, problem: 'is empty; its first line must name the columns' }]);
  },

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    let header: CsvRecord | undefined;
    let indexes: number[] = [];
    let number = 0;
    let emptyLines = 0;
    for await (const record of parseRecords(file, report)) {
      if (header === undefined) {
        const names = record.fields.map((name) => name.trim());
        indexes = columns.map((column) => names.indexOf(column));
        header = record;
        emptyLines = record.emptyLines;
        continue;
      }
      const place = { line: record.line, number: number++ };
      if (record.fields.length > header.fields.length) {
        report({
          where: describePlace(file, place),
          problem: `has ${record.fields.length} fields, the header ${header.fields.length}; put a text with commas or quotes in quotes, and double the quotes inside`,
        });
        continue;
      }
      yield { ...place, cells: indexes.map((index) => record.fields[index] ?? null), emptyLinesBefore: record.emptyLines - emptyLines };
      emptyLines = record.emptyLines;
    }
  },
};

async function* parseRecords(file: string, report: ReportProblem): AsyncGenerator<CsvRecord> {
  const parser = parse({
    info: true,
    // In this order: CRLF must be tried before CR.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LARGEST_RECORD_BYTES,
  });
  const source = Readable.from(blockBytes(file, report));
  pipeline(source, parser, () => undefined);
  let crlfInFields = 0;
  let nextLine = 1;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      let breaks = 0;
      for (const field of record) {
        for (const lineBreak of field.match(/\r\n|[\r\n]/g) ?? []) {
          breaks++;
          if (lineBreak === '\r\n') crlfInFields++;
        }
      }
      // `lines` is the line of the record's end, where the parser counts a CRLF inside quotes as two lines.
      const lastLine = info.lines - crlfInFields;
      nextLine = lastLine + 1;
      yield { fields: record, line: lastLine - breaks, emptyLines: info.empty_lines };
    }
  } catch (error) {
    const code = (error as CsvError).code;
    // The parser's own messages quote the field.
    if (code === 'CSV_QUOTE_NOT_CLOSED' || code === 'CSV_MAX_RECORD_SIZE')
      throw new BadInput([{ where: `${file}, line ${nextLine}`, problem: 'starts a record in which a quote is opened and never closed' }]);
    if (typeof code === 'string' && code.startsWith('CSV_'))
      throw new BadInput([{ where: `${file}, line ${nextLine}`, problem: `starts a record that cannot be read as CSV (${code})` }]);
    throw error;
  } finally {
    source.destroy();
    parser.destroy();
  }
}

async function* blockBytes(file: string, report: ReportProblem): AsyncGenerator<Buffer> {
  for await (const { bytes } of readBlocks(file, report)) yield bytes;
}

/** A cell as a CSV file holds it (RFC 4180). */
export const csvCell = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
