/** Tab-separated values: each line is a record, and one tab stands between two fields. A quote is an ordinary
 *  character, so an open quote does not swallow the lines after it. Pandas and spreadsheets do quote fields. So a field
 *  that begins and ends with a quote, with every quote inside doubled, is taken without its quotes, and may hold tabs.
 *
 *  A line break inside a field is not TSV, but pandas writes it, in quotes. So a file can be read in two ways: by
 *  lines, or with quotes that hold fields together. A reading makes a table when every record is as wide as the header.
 *  The second reading is taken when it makes a table and the first does not. */
import { BadInput } from '../../../contracts/index.ts';
import { delimitedRecords, hasMoreFields, isTableWithQuotes } from './csv.ts';
import { describePlace } from '../problems.ts';
import type { TableFormat, TableRecord } from './table-format.ts';
import { sourceOf } from '../source.ts';
import { readLines } from './text.ts';

const TAB = '\t';

export const tsv: TableFormat = {
  columns: (file) => readTsvHead(file),

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    let width: number | undefined;
    let indexes: number[] = [];
    let number = 0;
    let emptyLinesBefore = 0;
    let mayBeQuoted = true;
    for await (const line of readLines(file, report)) {
      if (line.text === '') {
        if (width !== undefined) emptyLinesBefore++;
        continue;
      }
      const fields = splitTsvLine(line.text, width);
      if (width === undefined) {
        const names = fields.map((name) => name.trim());
        indexes = columns.map((column) => names.indexOf(column));
        width = fields.length;
        continue;
      }
      // Up to the first quote both readings are the same.
      if (mayBeQuoted && fields.some(opensQuote)) {
        if (await isQuoted(file)) {
          for await (const record of delimitedRecords(file, TAB, columns, report))
            if (record.number >= number) yield record;
          return;
        }
        mayBeQuoted = false;
      }
      const place = { line: line.number, number: number++ };
      if (hasMoreFields(fields, width)) {
        report({
          where: describePlace(file, place),
          problem: `has ${fields.length} fields, the header ${width}; a text must not hold tabs`,
        });
      } else if (fields.length < width && fields.at(-1)?.startsWith('"') === true) {
        report({
          where: describePlace(file, place),
          problem:
            `has ${fields.length} fields, the header ${width}; ` +
            'a text must not hold line breaks in TSV: save the table as CSV',
        });
      } else {
        yield { ...place, cells: indexes.map((index) => fields[index] ?? null), emptyLinesBefore };
      }
      emptyLinesBefore = 0;
    }
  },
};

/** The names of the columns. @throws BadInput for an empty file. */
export async function readTsvHead(file: string): Promise<readonly string[]> {
  for await (const { text } of readLines(file, () => undefined))
    if (text !== '') return splitTsvLine(text).map((name) => name.trim());
  throw new BadInput([{ where: file, problem: 'is empty; its first line must name the columns' }]);
}

/** Which reading of a file is taken, kept while the file stays the same, since the whole file is read to decide it. */
const readings = new Map<string, { readonly version: string; readonly quoted: boolean }>();
const MOST_READINGS = 100;

async function isQuoted(file: string): Promise<boolean> {
  const version = (await sourceOf(file).stat(file))?.version ?? '';
  const known = readings.get(file);
  if (known?.version === version) return known.quoted;
  const quoted = !(await isTableByLines(file)) && (await isTableWithQuotes(file, TAB));
  if (readings.size >= MOST_READINGS) readings.clear();
  readings.set(file, { version, quoted });
  return quoted;
}

async function isTableByLines(file: string): Promise<boolean> {
  let width: number | undefined;
  for await (const { text } of readLines(file, () => undefined)) {
    if (text === '') continue;
    const fields = splitTsvLine(text, width);
    width ??= fields.length;
    if (fields.length !== width) return false;
  }
  return true;
}

/** Whether a field begins with a quote, so that the two readings may differ from here on. */
const opensQuote = (field: string): boolean => field.startsWith('"');

/** The fields of one line. Tabs inside quotes join fields only if the line has more than `width` fields otherwise. */
export function splitTsvLine(line: string, width?: number): string[] {
  const plain = line.split('\t');
  if (width === undefined || plain.length <= width) return plain.map(unquote);
  const joined: string[] = [];
  for (let at = 0; at < plain.length; at++) {
    let field = plain[at] ?? '';
    if (field.startsWith('"') && !isWholeQuoted(field)) {
      let end = at + 1;
      let candidate = field;
      for (; end < plain.length; end++) {
        candidate += `\t${plain[end] ?? ''}`;
        if (isWholeQuoted(candidate)) break;
      }
      if (end < plain.length) {
        field = candidate;
        at = end;
      }
    }
    joined.push(field);
  }
  return (joined.length === width ? joined : plain).map(unquote);
}

/** Whether a field begins and ends with a quote, and every quote inside is doubled. Done by hand, since a regular
 *  expression runs out of stack at some 16 MB. */
function isWholeQuoted(field: string): boolean {
  const end = field.length - 1;
  if (end < 1 || field[0] !== '"' || field[end] !== '"') return false;
  for (let at = field.indexOf('"', 1); at < end; at = field.indexOf('"', at + 2))
    if (field[at + 1] !== '"' || at + 1 === end) return false;
  return true;
}

function unquote(field: string): string {
  return field.startsWith('"') && isWholeQuoted(field) ? field.slice(1, -1).replaceAll('""', '"') : field;
}
