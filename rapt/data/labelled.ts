/** Whether a split has labels. Benchmarks often keep the labels of their test splits to themselves. */
import { labelOf } from './cells.ts';
import { formatOf } from './parts.ts';

/** Stands for a missing label in formats without empty cells, as in GLUE. */
const NO_LABEL = '-1';

/** False when no row of a split has a label. Rows with the label -1 have none, unless a training row has it too. Reads
 *  only up to the first label; the inspection finds whatever else is wrong with the split. */
export async function hasLabels(split: string, train: string, column: string): Promise<boolean> {
  const format = await formatOf(split);
  if (!(await format.columns(split)).includes(column)) return false;
  let isNumbered = false;
  for await (const label of labelsOf(split, column)) {
    if (label !== NO_LABEL) return true;
    isNumbered = true;
  }
  if (!isNumbered) return false;
  for await (const label of labelsOf(train, column)) if (label === NO_LABEL) return true;
  return false;
}

async function* labelsOf(table: string, column: string): AsyncGenerator<string> {
  const format = await formatOf(table);
  if (!(await format.columns(table)).includes(column)) return;
  for await (const { cells } of format.records(table, [column], () => undefined)) {
    const label = labelOf(cells[0]);
    if (label !== null) yield label;
  }
}
