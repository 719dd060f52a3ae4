/** The classes of whole tables. */
import type { DataConfig } from '../../contracts/index.ts';
import { inspectTables, type Inspection } from '../data/index.ts';

export interface ClassRows {
  readonly classes: readonly string[];
  /** In class order, over training and test rows. */
  readonly classRows: readonly number[];
}

/** Whatever part of the tables a run asks for, and however it splits them: what is said of the classes is then a
 *  function of the tables alone, and asking again for another part tells nothing. @param inspection of what the run
 *  asks for. @throws BadInput for rows of the rest that cannot be read. */
export async function classRowsOf(data: DataConfig, inspection: Inspection, splitByLabels: boolean): Promise<ClassRows> {
  const { maxTrainRows, maxTestRows, ...whole } = data;
  const { classes, classCounts } = maxTrainRows === undefined && maxTestRows === undefined ? inspection : await inspectTables(whole, { splitByLabels });
  return { classes, classRows: classCounts.train.map((count, at) => count + (classCounts.test[at] ?? 0)) };
}
