/** Reads, checks and splits the user's tables: files of any format in formats/, and folders of them. Tables are
 *  streamed, so memory does not grow with their size. */
export { checkColumns, type WantedColumn } from './columns.ts';
export { csvCell } from './formats/index.ts';
export {
  isBuiltIn,
  resolveDataset,
  resolveTables,
  SPLITS,
  type ResolveDataset,
  type Split,
  type Tables,
} from './datasets.ts';
export { inspectColumns, inspectTable, inspectTables, type Inspection } from './inspect.ts';
export { tableNotes } from './notes.ts';
export { contentVersion, filesOf, formatOf, hashTable, partsOf, splitApart, versionOf } from './parts.ts';
export { proposeColumns, type ChosenColumns, type ProposedColumns } from './propose.ts';
export { isHeldOut, readSplit } from './split.ts';
export {
  addTableSource,
  isAddress,
  sourceOf,
  tableAddress,
  type ReadRange,
  type SourceStat,
  type TableSource,
} from './source.ts';
export { surveyTable, type ColumnSurvey, type TableSurvey } from './survey.ts';
export { readTable, type ReadOptions, type Row, type TableColumns } from './table.ts';
