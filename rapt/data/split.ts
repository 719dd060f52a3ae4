/** Which rows train and which test. */
import type { DataConfig } from '../../contracts/index.ts';
import { readTable } from './table.ts';
import type { Row, TableColumns } from './table.ts';
import type { Split, Tables } from './datasets.ts';

const TWO_TO_32 = 2 ** 32;

/** Whether a row of a table without a test table is held out for testing. Depends on the row's number alone: no seed,
 *  no content, so every reader of the table splits it alike, and appending rows moves none. The hash is MurmurHash3's
 *  32-bit finalizer (Appleby), a bijection in which each input bit flips each output bit with a chance near one
 *  half. */
export function isHeldOut(rowNumber: number, fraction: number): boolean {
  let hash = (rowNumber + 1) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return hash / TWO_TO_32 < fraction;
}

export function columnsOf(data: DataConfig): TableColumns {
  return { text: data.textColumn, pair: data.pairColumn, label: data.labelColumn };
}

/** The part of a table without a test table in which a row lies. */
export function splitOf(
  row: Pick<Row, 'number'>,
  { testFraction }: Pick<DataConfig, 'testFraction'>,
  keptInTraining?: ReadonlySet<number>,
): Split {
  return isHeldOut(row.number, testFraction) && keptInTraining?.has(row.number) !== true ? 'test' : 'train';
}

/** Streams one split's rows, at most maxTrainRows or maxTestRows of them; rows without a label are left out. @param
 *  attribute a column that is read instead of the label, and may be empty: then the rows are not limited in number.
 *  @throws BadInput as `readTable`. */
export async function* readSplit(
  data: DataConfig,
  tables: Tables,
  split: Split,
  attribute?: string,
): AsyncGenerator<Row> {
  const columns = attribute === undefined ? columnsOf(data) : { ...columnsOf(data), label: attribute };
  const unlabelled = attribute === undefined ? 'leave out' : 'keep';
  const maxRows =
    attribute === undefined ? ((split === 'train' ? data.maxTrainRows : data.maxTestRows) ?? Infinity) : Infinity;
  if (tables.test !== null) {
    yield* readTable(tables[split] ?? tables.test, columns, { maxRows, unlabelled });
    return;
  }
  let rows = 0;
  for await (const row of readTable(tables.train, columns, { unlabelled })) {
    if (splitOf(row, data, tables.keptInTraining) !== split) continue;
    yield row;
    if (++rows >= maxRows) return;
  }
}
