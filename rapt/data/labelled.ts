/** Whether a split has labels: benchmarks keep those of their test splits to themselves. */
import { labelOf } from './cells.ts';
import { formatOf } from './parts.ts';

/** What stands for a missing label where a format has no empty cells, as in GLUE. */
const NO_LABEL = '-1';

/** False for a split whose rows have no label, or all of them -1 where no row of the training split has that. Reads up
 *  to the first label. What else may be wrong with the split is left to its inspection. */
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
