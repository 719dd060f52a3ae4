/** Which format a file is of: its content decides, and its name where texts of several formats look alike. */
import { BadInput } from '../../../contracts/index.ts';
import { notReadable } from '../../content.ts';
import { parseJson } from '../../json.ts';
import { headOf, type FileHead } from './bytes.ts';
import { csv, readHead } from './csv.ts';
import { jsonArray, jsonl } from './jsonl.ts';
import { withNullForNaN } from './numbers.ts';
import type { TableFormat, TableRecord } from './record.ts';
import { readTsvHead, tsv } from './tsv.ts';

type NamedFormat = 'csv' | 'tsv' | 'json' | 'parquet' | 'arrow';

/** What names stand for in a folder, as they always did: whatever else lies there is no table of it. */
const ENDINGS: Readonly<Record<string, NamedFormat>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.parquet': 'parquet',
  '.arrow': 'arrow',
};
/** In a folder these are tables where there are no others. */
const OTHER_ENDINGS: Readonly<Record<string, NamedFormat>> = {
  '.tab': 'tsv',
  '.json': 'json',
  '.pq': 'parquet',
  '.feather': 'arrow',
  '.ipc': 'arrow',
  '.arrows': 'arrow',
};
/** Of `save_to_disk`, beside the tables. */
const DESCRIPTIONS = /(^|\/)(dataset_infos?|dataset_dict|state)\.json$/;
const COMPRESSED = /\.(gz|zst|zstd)$/;
const KNOWN_FORMATS = '.csv, .tsv or .jsonl (each also .gz), .parquet or .arrow';

const endingOf = (file: string): string => /\.[a-z]+$/.exec(file.toLowerCase().replace(COMPRESSED, ''))?.[0] ?? '';

/** The files among these that are tables by their names. */
export function tablesAmong(files: readonly string[]): string[] {
  const usual = files.filter(
    (file) => !/\.(parquet|arrow)\.gz$/i.test(file) && !/\.zstd?$/i.test(file) && endingOf(file) in ENDINGS,
  );
  if (usual.length > 0) return usual;
  return files.filter(
    (file) => (endingOf(file) in ENDINGS || endingOf(file) in OTHER_ENDINGS) && !DESCRIPTIONS.test(file),
  );
}

/** A table in one file of any format. Both functions throw BadInput for content that is no table, with what it is and
 *  the way out. */
export const anyFormat: TableFormat = {
  columns: async (file) => (await formatOf(file)).columns(file),
  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    yield* (await formatOf(file)).records(file, columns, report);
  },
};

/** Their libraries are large, and few commands read such a table. */
const parquet = async (): Promise<TableFormat> => (await import('./parquet.ts')).parquet;
const arrow = async (): Promise<TableFormat> => (await import('./arrow.ts')).arrow;

async function formatOf(file: string): Promise<TableFormat> {
  const named = ENDINGS[endingOf(file)] ?? OTHER_ENDINGS[endingOf(file)];
  const head = await headOf(file);
  const refuse = (problem: string): never => {
    throw new BadInput([{ where: file, problem }]);
  };
  switch (head.kind) {
    case 'empty':
      return refuse(
        named === 'csv' || named === 'tsv'
          ? 'is empty; its first line must name the columns'
          : 'is empty: it has no bytes; write or fetch it again',
      );
    case 'parquet':
      return head.compression === null
        ? parquet()
        : refuse('is a zipped Parquet file, which cannot be read in parts; unzip it (Parquet is compressed inside)');
    case 'arrow':
      return head.compression === null ? arrow() : refuse('is a zipped Arrow file; unzip it');
    case 'gzip':
    case 'zstd':
      return refuse('is compressed twice; decompress it once');
    case 'binary':
      return named === 'parquet'
        ? parquet()
        : named === 'arrow'
          ? arrow()
          : refuse(`holds no text, but bytes of a kind that cannot be read; write it as ${KNOWN_FORMATS}`);
    case 'text':
    case 'utf-16le':
    case 'utf-16be':
      return textFormat(file, named, head);
    default:
      return refuse(notReadable(head.kind)!);
  }
}

async function textFormat(file: string, named: NamedFormat | undefined, head: FileHead): Promise<TableFormat> {
  const start = textOf(head).replace(/^\ufeff?\s*/, '');
  if (/^\[\s*(?:\{|\]\s*$)/.test(start)) return jsonArray;
  if (beginsWithObject(start)) return jsonl;
  switch (named) {
    case 'json':
      return jsonl;
    case 'csv':
      return (await readHead(file)).delimiter === '\t' ? tsv : csv;
    case 'tsv':
      return (await readTsvHead(file)).length === 1 && (await readHead(file)).names.length > 1 ? csv : tsv;
    case 'parquet':
    case 'arrow':
      throw new BadInput([
        {
          where: file,
          problem:
            `is not a complete ${named === 'parquet' ? 'Parquet' : 'Arrow'} file: it holds text; name it by what it ` +
            'holds, .csv, .tsv or .jsonl',
        },
      ]);
    default:
      throw new BadInput([{ where: file, problem: `is of no known format; name it ${KNOWN_FORMATS}` }]);
  }
}

function textOf({ kind, bytes }: FileHead): string {
  if (kind === 'text') return bytes.toString('utf8');
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  return (kind === 'utf-16be' ? Buffer.from(even).swap16() : even).toString('utf16le');
}

/** Whether the first line is a JSON object, or begins one that is longer than what was looked at. */
function beginsWithObject(start: string): boolean {
  if (!/^\{\s*"/.test(start)) return false;
  const end = start.search(/[\r\n]/);
  const first = end < 0 ? start : start.slice(0, end);
  const value = parseJson(first) ?? parseJson(withNullForNaN(first));
  return typeof value === 'object' || (end < 0 && value === undefined);
}
