/** Makes rows of records: tells which cells are the text, the pair and the label, and which rows are empty or wrong. */
import { BadInput } from '../../contracts/index.ts';
import { labelOf } from './cells.ts';
import { checkColumns } from './columns.ts';
import type { WantedColumn } from './columns.ts';
import { formatOf } from './parts.ts';
import { describePlace } from './problems.ts';
import type { ReportProblem, RowPlace } from './problems.ts';

export interface Row {
  /** The number of the data row, 0-based. Empty lines are not counted, as in pandas, so that `frame.iloc[number]` is
   *  this row. */
  readonly number: number;
  readonly text: string;
  /** The second text of a pair task, else null. */
  readonly pair: string | null;
  /** The class, without white space around it. Null when no label column was asked for, or when the cell is empty and
   *  such rows are kept. */
  readonly label: string | null;
}

export interface LocatedRow extends Row, RowPlace {}

/** The names of a table's columns. */
export interface TableColumns {
  readonly text: string;
  readonly pair?: string | undefined;
  readonly label?: string | undefined;
}

export interface ReadOptions {
  /** Stop after so many rows; empty ones are not counted. */
  readonly maxRows?: number | undefined;
  /** What becomes of a row that has a text and no label. Default: refuse. */
  readonly unlabelled?: 'refuse' | 'keep' | 'leave out' | undefined;
}

export interface ScanOptions extends ReadOptions {
  readonly report: ReportProblem;
  /** Is called before a row comes, with the number of empty rows and lines before it. */
  readonly onSkipped?: (count: number) => void;
  /** Is called for each row that is left out because it has no label. */
  readonly onUnlabelled?: () => void;
}

/** Streams the rows of a table in the order of the file. Rows in which all wanted cells are empty are skipped.
 *  Memory is constant: a block of a text file, or one row group of a Parquet file.
 *  @throws BadInput at the first problem. It names file, line, row and column, and does not quote the content. */
export async function* readTable(file: string, columns: TableColumns, options: ReadOptions = {}): AsyncGenerator<Row> {
  const rows = scanTable(file, columns, {
    ...options,
    report: (problem) => {
      throw new BadInput([problem]);
    },
  });
  for await (const { number, text, pair, label } of rows) yield { number, text, pair, label };
}

/** As `readTable`, but row problems are reported instead of thrown. A row with a problem is left out. */
export async function* scanTable(
  file: string,
  columns: TableColumns,
  options: ScanOptions,
): AsyncGenerator<LocatedRow> {
  const { report, onSkipped, onUnlabelled, maxRows = Infinity, unlabelled = 'refuse' } = options;
  const format = await formatOf(file);
  const wanted = wantedColumns(columns);
  const missing = checkColumns(file, await format.columns(file), wanted);
  if (missing.length > 0) throw new BadInput(missing);

  const names = wanted.map((column) => column.name);
  const pairAt = columns.pair === undefined ? -1 : 1;
  const labelAt = columns.label === undefined ? -1 : names.length - 1;
  let rows = 0;
  let skipped = 0;
  if (maxRows === 0) return;
  for await (const { cells, line, number, part, emptyLinesBefore } of format.records(file, names, report)) {
    skipped += emptyLinesBefore;
    if (cells.every(isBlank)) {
      skipped++;
      continue;
    }
    const place = { line, number, ...(part === undefined ? {} : { part }) };
    const text = cells[0] ?? '';
    const pair = pairAt < 0 ? null : (cells[pairAt] ?? '');
    const label = labelAt < 0 ? null : labelOf(cells[labelAt]);
    const lacksLabel = labelAt >= 0 && label === null;
    if (lacksLabel && unlabelled === 'leave out') {
      onUnlabelled?.();
      continue;
    }
    const empty = [
      ...(isBlank(text) ? [columns.text] : []),
      ...(pair !== null && isBlank(pair) ? [columns.pair] : []),
      ...(lacksLabel && unlabelled === 'refuse' ? [columns.label] : []),
    ];
    if (empty.length > 0) {
      for (const column of empty)
        report({
          where: describePlace(file, place, column),
          problem: 'is empty while the rest of the row is not; fill it in, or empty the whole row',
        });
      continue;
    }
    if (skipped > 0) onSkipped?.(skipped);
    skipped = 0;
    yield { ...place, text, pair, label };
    if (++rows >= maxRows) return;
  }
  if (skipped > 0) onSkipped?.(skipped);
}

/** The columns in the order in which their cells are asked for: text, pair, label. */
export function wantedColumns({ text, pair, label }: TableColumns): WantedColumn[] {
  return [
    { name: text, field: 'textColumn' },
    ...(pair === undefined ? [] : [{ name: pair, field: 'pairColumn' }]),
    ...(label === undefined ? [] : [{ name: label, field: 'labelColumn' }]),
  ];
}

const isBlank = (cell: string | null | undefined): boolean => cell === null || cell === undefined || cell.trim() === '';
