import { BadInput } from '../../contracts/index.ts';
import { arrow } from './arrow.ts';
import { csv } from './csv.ts';
import { jsonl } from './jsonl.ts';
import { parquet } from './parquet.ts';
import type { TableFormat } from './record.ts';
import { tsv } from './tsv.ts';

const FORMATS: Readonly<Record<string, TableFormat>> = { '.csv': csv, '.tsv': tsv, '.jsonl': jsonl, '.ndjson': jsonl, '.parquet': parquet, '.arrow': arrow };
const KNOWN_FORMATS = '.csv, .tsv or .jsonl (each also .gz), .parquet or .arrow';

const namedFormat = (name: string): TableFormat | undefined => FORMATS[/\.[a-z]+$/.exec(name.endsWith('.gz') ? name.slice(0, -3) : name)?.[0] ?? ''];

/** Whether a file's name is that of a table. */
export const isTable = (file: string): boolean => !/\.(parquet|arrow)\.gz$/i.test(file) && namedFormat(file.toLowerCase()) !== undefined;

/** The format that a file's name stands for. @throws BadInput when its ending is none that is known. */
export function formatByName(file: string): TableFormat {
  const name = file.toLowerCase();
  if (name.endsWith('.arrow.gz')) throw new BadInput([{ where: file, problem: 'is a zipped Arrow file; unzip it' }]);
  if (name.endsWith('.parquet.gz'))
    throw new BadInput([{ where: file, problem: 'is a zipped Parquet file, which cannot be read in parts; unzip it (Parquet is compressed inside)' }]);
  const format = namedFormat(name);
  if (format === undefined) throw new BadInput([{ where: file, problem: `is of no known format; name it ${KNOWN_FORMATS}` }]);
  return format;
}
