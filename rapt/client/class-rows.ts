/** The classes of whole tables. */
import type { DataConfig } from '../../contracts/index.ts';
import { inspectTables, type Inspection } from '../data/index.ts';

export interface ClassRows {
  readonly classes: readonly string[];
  /** In class order: rows of the training table, those that are held out of it included. */
  readonly classRows: readonly number[];
}

/** Whatever part of the tables a run asks for, however it splits them and whatever it tests on: what is said of the
 *  classes is then a function of the training table alone, and asking again for another part tells nothing.
 *  @param inspection of what the run asks for. @throws BadInput for rows of the rest that cannot be read. */
export async function classRowsOf(
  data: DataConfig,
  inspection: Inspection,
  splitByLabels: boolean,
): Promise<ClassRows> {
  const { maxTrainRows, maxTestRows, ...whole } = data;
  // Protected labels were counted to the end of the tables.
  const isWhole = !splitByLabels || (maxTrainRows === undefined && maxTestRows === undefined);
  const { tables, classes, classCounts } = isWhole ? inspection : await inspectTables(whole, { splitByLabels });
  // A table that is named once more for testing has no more rows by that.
  const heldOut = tables.test === null ? classCounts.test : [];
  return { classes, classRows: classCounts.train.map((count, at) => count + (heldOut[at] ?? 0)) };
}
