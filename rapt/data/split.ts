/** Which rows train and which test. */
import type { DataConfig } from '../../contracts/index.ts';
import { readTable } from './table.ts';
import type { Row, TableColumns } from './table.ts';
import type { Split, Tables } from './datasets.ts';

const TWO_TO_32 = 2 ** 32;

/** Whether a row of a table without a test table is held out for testing. Depends on the row's number alone: no seed, no content, so
 *  every reader of the table splits it alike, and appending rows moves none. The hash is MurmurHash3's 32-bit finalizer (Appleby), a
 *  bijection in which each input bit flips each output bit with a chance near one half. */
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

/** Streams one split's rows, at most maxTrainRows or maxTestRows of them. @param attribute a column that is read instead of the label, and may be
 *  empty. @throws BadInput as `readTable`. */
export async function* readSplit(data: DataConfig, tables: Tables, split: Split, attribute?: string): AsyncGenerator<Row> {
  const columns = attribute === undefined ? columnsOf(data) : { ...columnsOf(data), label: attribute };
  const requireLabel = attribute === undefined;
  const maxRows = (split === 'train' ? data.maxTrainRows : data.maxTestRows) ?? Infinity;
  if (tables.test !== null) {
    yield* readTable(tables[split] ?? tables.test, columns, { maxRows, requireLabel });
    return;
  }
  let rows = 0;
  for await (const row of readTable(tables.train, columns, { requireLabel })) {
    if (isHeldOut(row.number, data.testFraction) !== (split === 'test')) continue;
    yield row;
    if (++rows >= maxRows) return;
  }
}
