/** What a table format is: two functions, and the records into which it reads its files. */
import type { ReportProblem, RowPlace } from '../problems.ts';

export interface TableRecord extends RowPlace {
  /** Cells of the columns that were asked for, in that order; null where the record has none. */
  readonly cells: readonly (string | null)[];
  /** Empty lines of the file just before this record. They are no records and have no row number. */
  readonly emptyLinesBefore: number;
}

/** One table format. Both functions take the file's path; they throw BadInput for a file that is not of the format at
 *  all. */
export interface TableFormat {
  /** Names of the columns in file order. Reads the head of the file only. */
  columns(file: string): Promise<readonly string[]>;
  /** Streams the records. The columns exist. A record that cannot be read is reported and left out. */
  records(file: string, columns: readonly string[], report: ReportProblem): AsyncIterable<TableRecord>;
}
