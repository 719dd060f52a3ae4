/** JSON Lines: one object a line. */
import { BadInput } from '../../contracts/index.ts';
import { parseJson } from '../json.ts';
import { readLines } from './bytes.ts';
import { scalarCells } from './cells.ts';
import { describePlace } from './problems.ts';
import type { TableFormat, TableRecord } from './record.ts';

/** Lines whose keys are looked at to learn the columns: a key may be missing in the first ones. */
const HEAD_LINES = 100;

export const jsonl: TableFormat = {
  async columns(file) {
    const names = new Set<string>();
    let seen = 0;
    for await (const line of readLines(file, () => undefined)) {
      if (line.text.trim() === '') continue;
      const object = parseObject(line.text);
      // A line that is none is reported with its place when the records are read.
      if (typeof object !== 'string') for (const name of Object.keys(object)) names.add(name);
      if (++seen === HEAD_LINES) break;
    }
    if (names.size === 0) throw new BadInput([{ where: file, problem: 'has no JSON object in its first lines; give one a line, such as {"text": ..., "label": ...}' }]);
    return [...names];
  },

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    let number = 0;
    let emptyLinesBefore = 0;
    for await (const line of readLines(file, report)) {
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
      const cells = scalarCells(file, place, columns, (column) => (Object.hasOwn(object, column) ? object[column] : null), 'a list or an object', report);
      if (cells !== null) yield { ...place, cells, emptyLinesBefore };
      emptyLinesBefore = 0;
    }
  },
};

/** The object, or what is wrong with the line. */
function parseObject(text: string): Readonly<Record<string, unknown>> | string {
  const value = parseJson(text);
  if (value === undefined) return 'is not valid JSON';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not a JSON object such as {"text": ..., "label": ...}';
  return value as Record<string, unknown>;
}
