/** JSON Lines: one object a line. */
import { BadInput } from '../../contracts/index.ts';
import { parseJson } from '../json.ts';
import { readLines } from './bytes.ts';
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
      const cells: (string | null)[] = [];
      for (const column of columns) {
        const cell = cellText(Object.hasOwn(object, column) ? object[column] : null);
        if (cell === undefined) {
          report({ where: describePlace(file, place, column), problem: 'holds a list or an object; a text, a number or true/false is needed' });
          break;
        }
        cells.push(cell);
      }
      if (cells.length === columns.length) yield { ...place, cells, emptyLinesBefore };
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

/** Scalars as text; undefined for what has no text form. Shared with Parquet. */
export function cellText(value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return undefined;
}
