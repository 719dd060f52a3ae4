/** The cells of formats that hold numbers, dates and the like, as texts. */
import { describePlace, type ReportProblem, type RowPlace } from './problems.ts';

/** The cells of a record as texts. Null when a cell has no text form: that cell is reported.
 *  @param other what the report calls such a cell, "a list or an object". */
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

/** The label that a cell holds, without white space around it; null when the cell is empty. "NaN" counts as empty:
 *  libraries write it for a number that is missing from a column. */
export function labelOf(cell: string | null | undefined): string | null {
  const label = cell?.trim() ?? '';
  return label === '' || label === 'NaN' ? null : label;
}

/** A scalar as text. Null for an empty cell, as for NaN and the infinities; undefined for what has no text form. */
function cellText(value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return undefined;
}
