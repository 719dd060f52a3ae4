/** JSON Lines, which is one object a line, and one JSON array of such objects. */
import { BadInput } from '../../../contracts/index.ts';
import { parseJson } from '../../json.ts';
import { scalarCells } from '../cells.ts';
import { readElements } from './json-array.ts';
import { roundedNumbers, withNullForNaN } from './numbers.ts';
import { describePlace, type ReportProblem } from '../problems.ts';
import type { TableFormat, TableRecord } from './table-format.ts';
import { readLines, type Line } from './text.ts';

/** So many lines are looked at to learn the columns, since the first objects may lack a key. */
const HEAD_LINES = 100;
const WAY_OUT =
  'give one a line, such as {"text": ..., "label": ...} (pandas: to_json(FILE, orient="records", lines=True))';

export const jsonl: TableFormat = objects(readLines);
export const jsonArray: TableFormat = objects(readElements);

function objects(read: (file: string, report: ReportProblem) => AsyncGenerator<Line>): TableFormat {
  return {
    async columns(file) {
      const names = new Set<string>();
      let seen = 0;
      for await (const line of read(file, () => undefined)) {
        if (line.text.trim() === '') continue;
        const object = parseObject(line.text);
        // A line that is not an object is reported, with its place, when the records are read.
        if (typeof object !== 'string') for (const name of Object.keys(object)) names.add(name);
        if (seen === 0 && typeof object !== 'string' && holdsColumns(object))
          throw new BadInput([{ where: file, problem: `holds one object of columns instead of rows; ${WAY_OUT}` }]);
        if (++seen === HEAD_LINES) break;
      }
      if (names.size === 0)
        throw new BadInput([{ where: file, problem: `has no JSON object in its first lines; ${WAY_OUT}` }]);
      return [...names];
    },

    async *records(file, columns, report): AsyncGenerator<TableRecord> {
      let number = 0;
      let emptyLinesBefore = 0;
      for await (const line of read(file, report)) {
        if (line.text.trim() === '') {
          emptyLinesBefore++;
          continue;
        }
        const place = { line: line.number, number: number++ };
        const object = parseObject(line.text);
        if (typeof object === 'string') {
          report({ where: describePlace(file, place), problem: object });
          continue;
        }
        const rounded = roundedNumbers(line.text, object, columns);
        const valueOf = (column: string): unknown =>
          rounded.get(column) ?? (Object.hasOwn(object, column) ? object[column] : null);
        const cells = scalarCells(file, place, columns, valueOf, 'a list or an object', report);
        if (cells !== null) yield { ...place, cells, emptyLinesBefore };
        emptyLinesBefore = 0;
      }
    },
  };
}

/** Whether each value is itself an object: one for each column, as pandas writes a table by default. */
function holdsColumns(object: Readonly<Record<string, unknown>>): boolean {
  const values = Object.values(object);
  return (
    values.length > 0 && values.every((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  );
}

/** The object on a line, or what is wrong with the line. */
function parseObject(text: string): Readonly<Record<string, unknown>> | string {
  const value = parseJson(text) ?? parseJson(withNullForNaN(text));
  if (value === undefined) return 'is not valid JSON';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'is not a JSON object such as {"text": ..., "label": ...}';
  return value as Record<string, unknown>;
}
