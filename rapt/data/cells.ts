/** Values of formats that know more than texts, as the texts that they stand for. */
import { describePlace, type ReportProblem, type RowPlace } from './problems.ts';

/** The cells of a record, or null when one of them has no text, which is reported.
 *  @param other what a value is then, such as "a list or an object". */
export function scalarCells(
  file: string,
  place: RowPlace,
  columns: readonly string[],
  valueOf: (column: string, at: number) => unknown,
  other: string,
  report: ReportProblem,
): (string | null)[] | null {
  const cells: (string | null)[] = [];
  for (const [at, column] of columns.entries()) {
    const cell = cellText(valueOf(column, at));
    if (cell === undefined) {
      report({
        where: describePlace(file, place, column),
        problem: `holds ${other}; a text, a number or true/false is needed`,
      });
      return null;
    }
    cells.push(cell);
  }
  return cells;
}

/** The label that a cell holds, without white space around it; null where it holds none. Libraries write the missing
 *  number of a column of numbers as "NaN". */
export function labelOf(cell: string | null | undefined): string | null {
  const label = cell?.trim() ?? '';
  return label === '' || label === 'NaN' ? null : label;
}

/** Scalars as text, null for an empty cell, as a number that is none is; undefined for what has no text form. */
function cellText(value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return undefined;
}
