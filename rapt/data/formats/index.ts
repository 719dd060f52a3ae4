/** The table formats that can be read, and which of them a file is of.
 *
 *  A new format is one file that holds a `TableFormat`, and one entry in known-formats.ts. */
export { anyFormat, tablesAmong } from './any-format.ts';
export { csvCell } from './csv.ts';
export type { TableFormat, TableRecord } from './table-format.ts';
