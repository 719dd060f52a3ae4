import { statSync } from 'node:fs';
import { BadInput } from '../../contracts/index.ts';
import { csv } from './csv.ts';
import { jsonl } from './jsonl.ts';
import { parquet } from './parquet.ts';
import type { TableFormat } from './record.ts';
import { tsv } from './tsv.ts';

const FORMATS: Readonly<Record<string, TableFormat>> = { '.csv': csv, '.tsv': tsv, '.jsonl': jsonl, '.ndjson': jsonl, '.parquet': parquet };
const KNOWN_FORMATS = '.csv, .tsv or .jsonl (each also .gz), or .parquet';

/** The format that a file's name stands for. @throws BadInput when there is no such file, or its ending is none that is known. */
export function formatOf(file: string): TableFormat {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new BadInput([{ where: file, problem: 'does not exist on the machine of the client worker; give the path of a table there' }]);
  if (!stats.isFile()) throw new BadInput([{ where: file, problem: `is not a file; give a table: ${KNOWN_FORMATS}` }]);
  const name = file.toLowerCase();
  if (name.endsWith('.parquet.gz'))
    throw new BadInput([{ where: file, problem: 'is a zipped Parquet file, which cannot be read in parts; unzip it (Parquet is compressed inside)' }]);
  const ending = /\.[a-z]+$/.exec(name.endsWith('.gz') ? name.slice(0, -3) : name)?.[0] ?? '';
  const format = FORMATS[ending];
  if (format === undefined) throw new BadInput([{ where: file, problem: `is of no known format; name it ${KNOWN_FORMATS}` }]);
  return format;
}
