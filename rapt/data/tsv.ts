/** Tab-separated values: one line a record, one tab between fields, so a quote is an ordinary character and cannot swallow the lines
 *  after it. Writers that quote (pandas, spreadsheets) are met half-way: a field that starts and ends with a quote, with every quote
 *  inside doubled, is taken without its quotes, and may then hold tabs. A line break inside a field is not TSV. */
import { BadInput } from '../../contracts/index.ts';
import { readLines } from './bytes.ts';
import { describePlace } from './problems.ts';
import type { TableFormat, TableRecord } from './record.ts';

export const tsv: TableFormat = {
  async columns(file) {
    for await (const { text } of readLines(file, () => undefined))
      if (text !== '') return splitTsvLine(text).map((name) => name.trim());
    throw new BadInput([{ where: file, problem: 'is empty; its first line must name the columns' }]);
  },

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    let width: number | undefined;
    let indexes: number[] = [];
    let number = 0;
    let emptyLinesBefore = 0;
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
      const place = { line: line.number, number: number++ };
      if (fields.length > width) {
        report({ where: describePlace(file, place), problem: `has ${fields.length} fields, the header ${width}; a text must not hold tabs` });
      } else if (fields.length < width && fields.at(-1)?.startsWith('"') === true) {
        report({
          where: describePlace(file, place),
          problem: `has ${fields.length} fields, the header ${width}; a text must not hold line breaks in TSV: save the table as CSV`,
        });
      } else {
        yield { ...place, cells: indexes.map((index) => fields[index] ?? null), emptyLinesBefore };
      }
      emptyLinesBefore = 0;
    }
  },
};

/** Fields of one line. Tabs inside quotes join fields only where the plain split has more than `width` fields. */
export function splitTsvLine(line: string, width?: number): string[] {
  const plain = line.split('\t');
  if (width === undefined || plain.length <= width) return plain.map(unquote);
  const joined: string[] = [];
  for (let at = 0; at < plain.length; at++) {
    let field = plain[at] ?? '';
    if (field.startsWith('"') && !isQuoted(field)) {
      let end = at + 1;
      let candidate = field;
      for (; end < plain.length; end++) {
        candidate += `\t${plain[end] ?? ''}`;
        if (isQuoted(candidate)) break;
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

/** Starts and ends with a quote, and every quote inside is doubled. By hand: a regular expression's stack ends at some 16 MB. */
function isQuoted(field: string): boolean {
  const end = field.length - 1;
  if (end < 1 || field[0] !== '"' || field[end] !== '"') return false;
  for (let at = field.indexOf('"', 1); at < end; at = field.indexOf('"', at + 2)) if (field[at + 1] !== '"' || at + 1 === end) return false;
  return true;
}

function unquote(field: string): string {
  return field.startsWith('"') && isQuoted(field) ? field.slice(1, -1).replaceAll('""', '"') : field;
}
