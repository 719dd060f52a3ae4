/** The formats of tables that can be read. An entry says how files of its format are recognized and opened. */
import type { KnownContent } from '../../content.ts';
import { parseJson } from '../../json.ts';
import { csv, readHead } from './csv.ts';
import { jsonArray, jsonl } from './jsonl.ts';
import { withNullForNaN } from './numbers.ts';
import type { TableFormat } from './table-format.ts';
import { readTsvHead, tsv } from './tsv.ts';

interface FormatByName {
  /** Endings of files' names that stand for this format. In a folder, files that end so are its tables. */
  readonly endings: readonly string[];
  /** More such endings. In a folder, files that end so are tables only where no table has a usual ending. */
  readonly otherEndings: readonly string[];
}

/** A format of texts: its files look like those of others, so that the name decides, or how the text begins. */
export interface TextFormat extends FormatByName {
  /** Whether the first line names the columns, so that an empty file lacks that line. */
  readonly hasHeader: boolean;
  /** Whether a text is of this format whatever the file is called. Absent where no text shows that.
   *  @param start of the text, without white space before it. */
  readonly begins?: (start: string) => boolean;
  /** How such a file is read: as this format, or as another one that its header turns out to be of. */
  readonly open: (file: string) => TableFormat | Promise<TableFormat>;
}

/** A format with a signature of its own: the content decides, whatever the file is called. */
export interface BinaryFormat extends FormatByName {
  /** For messages. */
  readonly title: string;
  readonly content: Extract<KnownContent, 'parquet' | 'arrow'>;
  /** What to tell of such a file inside of gzip or zstd, since its parts cannot be read one by one there. */
  readonly zipped: string;
  /** Loads the format's library, which is large, and which few commands need. */
  readonly open: () => Promise<TableFormat>;
}

/** The first whose `begins` fits counts. */
export const TEXT_FORMATS: readonly TextFormat[] = [
  {
    endings: ['.csv'],
    otherEndings: [],
    hasHeader: true,
    open: async (file) => ((await readHead(file)).delimiter === '\t' ? tsv : csv),
  },
  {
    endings: ['.tsv'],
    otherEndings: ['.tab'],
    hasHeader: true,
    open: async (file) =>
      (await readTsvHead(file)).length === 1 && (await readHead(file)).names.length > 1 ? csv : tsv,
  },
  { endings: [], otherEndings: [], hasHeader: false, begins: beginsWithArray, open: () => jsonArray },
  {
    endings: ['.jsonl', '.ndjson'],
    otherEndings: ['.json'],
    hasHeader: false,
    begins: beginsWithObject,
    open: () => jsonl,
  },
];

export const BINARY_FORMATS: readonly BinaryFormat[] = [
  {
    title: 'Parquet',
    endings: ['.parquet'],
    otherEndings: ['.pq'],
    content: 'parquet',
    zipped: 'is a zipped Parquet file, which cannot be read in parts; unzip it (Parquet is compressed inside)',
    open: async () => (await import('./parquet.ts')).parquet,
  },
  {
    title: 'Arrow',
    endings: ['.arrow'],
    otherEndings: ['.feather', '.ipc', '.arrows'],
    content: 'arrow',
    zipped: 'is a zipped Arrow file; unzip it',
    open: async () => (await import('./arrow.ts')).arrow,
  },
];

/** What messages offer to write a table as. */
export const OFFERED_FORMATS = '.csv, .tsv or .jsonl (each also .gz), .parquet or .arrow';

function beginsWithArray(start: string): boolean {
  return /^\[\s*(?:\{|\]\s*$)/.test(start);
}

/** Whether the first line is a JSON object, or begins one that is longer than what was looked at. */
function beginsWithObject(start: string): boolean {
  if (!/^\{\s*"/.test(start)) return false;
  const end = start.search(/[\r\n]/);
  const first = end < 0 ? start : start.slice(0, end);
  const value = parseJson(first) ?? parseJson(withNullForNaN(first));
  return typeof value === 'object' || (end < 0 && value === undefined);
}
