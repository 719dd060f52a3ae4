/** What a table format is: two functions, and the records into which it reads its files. */
import type { ReportProblem, RowPlace } from '../problems.ts';

export interface TableRecord extends RowPlace {
  /** The cells of the wanted columns, in the order in which they were asked for; null for a cell that is empty. */
  readonly cells: readonly (string | null)[];
  /** How many empty lines stand before this record. They are not records and have no row numbers. */
  readonly emptyLinesBefore: number;
}

/** How the files of one format are read. Both functions take the path of a file, and throw BadInput when it is not of
 *  the format at all. */
export interface TableFormat {
  /** The names of the columns, in the order of the file. Reads only the head of the file. */
  columns(file: string): Promise<readonly string[]>;
  /** Streams the records. A record that cannot be read is reported and left out.
   *  @param columns names of columns that the file has. */
  records(file: string, columns: readonly string[], report: ReportProblem): AsyncIterable<TableRecord>;
}
