/** Which rows of a table are trained on, and which are tested on. */
import type { DataConfig } from '../../contracts/index.ts';
import { readTable } from './table.ts';
import type { Row, TableColumns } from './table.ts';
import type { Split, Tables } from './datasets.ts';

const TWO_TO_32 = 2 ** 32;

/** Whether a row is held out for testing, when there is no test table. The answer depends on the row's number alone,
 *  not on a seed or the content: so every reader splits a table in the same way, and appended rows move no other row.
 *  The hash is MurmurHash3's 32-bit finalizer (Appleby), a bijection in which each input bit flips each output bit with
 *  a chance near one half. */
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

/** The split of a row, when there is no test table. */
export function splitOf(
  row: Pick<Row, 'number'>,
  { testFraction }: Pick<DataConfig, 'testFraction'>,
  keptInTraining?: ReadonlySet<number>,
): Split {
  return isHeldOut(row.number, testFraction) && keptInTraining?.has(row.number) !== true ? 'test' : 'train';
}

/** Streams the rows of one split, at most maxTrainRows or maxTestRows of them, without those that have no label.
 *  @param attribute a column that is read instead of the label. Then rows with an empty cell come too, and their number
 *  is not limited.
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
