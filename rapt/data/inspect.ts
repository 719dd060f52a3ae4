/** Looks over the tables of a run before anything is drawn. */
import { BadInput, BUILT_IN_DATASETS } from '../../contracts/index.ts';
import type { DataConfig, InputProblem } from '../../contracts/index.ts';
import { SETUP_COMMAND } from '../../system/index.ts';
import { LabelCounts, MOST_CLASSES, sortClasses } from './classes.ts';
import { checkColumns } from './columns.ts';
import type { WantedColumn } from './columns.ts';
import { resolveDataset, resolveTables } from './datasets.ts';
import type { ResolveDataset, Tables } from './datasets.ts';
import { formatOf } from './parts.ts';
import { FileProblems } from './problems.ts';
import { columnsOf, splitOf } from './split.ts';
import { sourceOf } from './source.ts';
import { scanTable, wantedColumns } from './table.ts';
import type { TableColumns } from './table.ts';

/** What a pass over the whole tables of a run found. */
export interface Inspection {
  readonly tables: Tables;
  /** Sorted as numbers when all are numbers, else by code units. A label's index here is its number everywhere. */
  readonly classes: readonly string[];
  /** How many rows each class has, in the order of the classes. If labels are protected, all rows count, also those
   *  that the run does not ask for. */
  readonly classCounts: { readonly train: readonly number[]; readonly test: readonly number[] };
  readonly rows: { readonly train: number; readonly test: number };
  /** How many empty rows and lines were passed over, in the part of each file that is used. */
  readonly skipped: { readonly train: number; readonly test: number };
  /** How many rows with a text are left out because they have no label. */
  readonly unlabelled: { readonly train: number; readonly test: number };
}

/** Checks that the tables exist, are of a known format and have the columns. Reads only their heads.
 *  @param listColumns whether a table's columns are named when one is missing. Only its owner may see them.
 *  @returns all problems; an empty list when the tables look right. */
export async function inspectColumns(
  data: DataConfig,
  { resolve = resolveDataset, listColumns = false }: { resolve?: ResolveDataset; listColumns?: boolean } = {},
): Promise<InputProblem[]> {
  const wanted: WantedColumn[] = [
    ...wantedColumns(columnsOf(data)),
    ...data.attributeColumns.map((name) => ({ name, field: 'attributeColumns' })),
  ];
  const problems: InputProblem[] = [];
  for (const [index, column] of wanted.entries()) {
    const same = wanted.slice(0, index).find((other) => other.name === column.name && other.field !== column.field);
    if (same !== undefined && column.field !== 'attributeColumns')
      problems.push({
        where: `data.${column.field}`,
        problem: `names the same column as ${same.field}, "${column.name}"`,
      });
  }
  const check = async (file: string): Promise<InputProblem[]> =>
    checkColumns(file, await (await formatOf(file)).columns(file), wanted, { list: listColumns });
  const named = [resolve(data.train, 'train'), ...(data.test === undefined ? [] : [resolve(data.test, 'test')])];
  // A folder's test split is known only if the training table is there.
  const tables = await found(resolveTables(data, resolve));
  for (const file of new Set([...named, ...(typeof tables.value?.test === 'string' ? [tables.value.test] : [])])) {
    const builtIn = BUILT_IN_DATASETS.find((name) => file === resolve(name, 'train') || file === resolve(name, 'test'));
    if (builtIn !== undefined && (await sourceOf(file).stat(file)) === null) {
      problems.push({
        where: file,
        problem: `is part of the built-in data set ${builtIn}, which is not set up yet; run \`${SETUP_COMMAND}\``,
      });
      continue;
    }
    const checked = await found(check(file));
    problems.push(...(checked.value ?? checked.problems));
  }
  return problems;
}

/** The value, or the problems of a BadInput. */
async function found<T>(value: Promise<T>): Promise<{ value?: T; problems: readonly InputProblem[] }> {
  try {
    return { value: await value, problems: [] };
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    return { problems: error.problems };
  }
}

/** Reads one table from end to end, for a prediction. Rows need no label.
 *  @throws BadInput with all problems of the table at once. */
export async function inspectTable(file: string, columns: TableColumns): Promise<{ rows: number; skipped: number }> {
  const problems: InputProblem[] = [];
  let rows = 0;
  let skipped = 0;
  await gather(file, problems, async ({ report }) => {
    const onSkipped = (count: number): void => void (skipped += count);
    for await (const _row of scanTable(file, columns, { report, onSkipped, unlabelled: 'keep' })) rows++;
  });
  if (problems.length === 0 && rows === 0) problems.push({ where: file, problem: 'has no row with a text' });
  if (problems.length > 0) throw new BadInput(problems);
  return { rows, skipped };
}

export interface InspectOptions {
  /** Whether labels may decide about the split: a class whose rows would all be held out then keeps one in training.
   *  False when labels are protected. The provider chooses which part of the tables a run asks for. It also sees how
   *  many rows each split has, what the classes are, and what is refused. Anything that depends on the labels of a part
   *  would tell it of single labels. So all that is said of protected labels depends only on the classes of the whole
   *  tables. Default: true. */
  readonly splitByLabels?: boolean;
}

/** Reads the run's tables from end to end. @throws BadInput with all problems of all files at once. */
export async function inspectTables(
  data: DataConfig,
  { splitByLabels = true }: InspectOptions = {},
): Promise<Inspection> {
  const columnProblems = await inspectColumns(data);
  if (columnProblems.length > 0) throw new BadInput(columnProblems);

  const named = await resolveTables(data, resolveDataset);
  const allLabels = !splitByLabels;
  const heldOut = (): Promise<Scan> =>
    splitByLabels ? scanSplit(data, named.train) : scanHoldingOut(data, named.train, { allLabels });
  const scan = named.test === null ? await heldOut() : await scanBoth(data, named.train, named.test, { allLabels });
  const tables = scan.keptInTraining.size === 0 ? named : { ...named, keptInTraining: scan.keptInTraining };
  const ofLabels = allLabels ? wholeTableProblems : labelProblems;
  const problems = [...scan.problems, ...(scan.problems.length > 0 ? [] : ofLabels(data, tables, scan))];
  if (problems.length > 0) throw new BadInput(problems);

  const classes = sortClasses((allLabels ? trainingTable(tables, scan) : scan.train).counts.keys());
  return {
    tables,
    classes,
    classCounts: { train: scan.train.of(classes), test: scan.test.of(classes) },
    rows: scan.rows,
    skipped: scan.skipped,
    unlabelled: scan.unlabelled,
  };
}

interface Scan {
  readonly problems: InputProblem[];
  readonly train: LabelCounts;
  readonly test: LabelCounts;
  readonly rows: { train: number; test: number };
  readonly skipped: { train: number; test: number };
  readonly unlabelled: { train: number; test: number };
  /** The numbers of these rows. */
  readonly keptInTraining: ReadonlySet<number>;
}

const emptyScan = (keptInTraining: ReadonlySet<number> = new Set()): Scan => ({
  problems: [],
  train: new LabelCounts(),
  test: new LabelCounts(),
  rows: { train: 0, test: 0 },
  skipped: { train: 0, test: 0 },
  unlabelled: { train: 0, test: 0 },
  keptInTraining,
});

interface ScanLabels {
  /** Whether labels are counted up to the end of the tables, beyond the rows that the run asks for. */
  readonly allLabels: boolean;
}

async function scanBoth(data: DataConfig, train: string, test: string, { allLabels }: ScanLabels): Promise<Scan> {
  const scan = emptyScan();
  for (const [split, file, maxRows] of [
    ['train', train, data.maxTrainRows],
    ['test', test, data.maxTestRows],
  ] as const) {
    await gather(file, scan.problems, async ({ report }) => {
      const isFull = (): boolean => scan.rows[split] >= (maxRows ?? Infinity);
      const onSkipped = (count: number): void => {
        if (!isFull()) scan.skipped[split] += count;
      };
      const onUnlabelled = (): void => {
        if (!isFull()) scan.unlabelled[split]++;
      };
      const limit = allLabels ? undefined : maxRows;
      const options = { report, onSkipped, unlabelled: 'leave out', onUnlabelled, maxRows: limit } as const;
      for await (const row of scanTable(file, columnsOf(data), options)) {
        if (!isFull()) scan.rows[split]++;
        scan[split].add(row.label ?? '', row);
      }
    });
  }
  return scan;
}

/** Scans one table, from which the test rows are held out. A class whose rows would all be held out keeps the first of
 *  them in training. If that would take more than half of the test rows, no row is kept: then probably the wrong column
 *  was named for the labels. */
async function scanSplit(data: DataConfig, file: string): Promise<Scan> {
  let kept: ReadonlySet<number> = new Set();
  for (;;) {
    const scan = await scanHoldingOut(data, file, { kept, allLabels: false });
    const alone = scan.test.missingFrom(scan.train).map(({ number }) => number);
    const tooMany =
      2 * alone.length > scan.rows.test || scan.rows.train + alone.length > (data.maxTrainRows ?? Infinity);
    if (alone.length === 0 || tooMany || scan.problems.length > 0) return scan;
    kept = new Set([...kept, ...alone]);
  }
}

interface HoldingOut extends ScanLabels {
  readonly kept?: ReadonlySet<number>;
}

async function scanHoldingOut(data: DataConfig, file: string, { kept, allLabels }: HoldingOut): Promise<Scan> {
  const scan = emptyScan(kept);
  const most = { train: data.maxTrainRows ?? Infinity, test: data.maxTestRows ?? Infinity };
  const isFull = (): boolean => scan.rows.train >= most.train && scan.rows.test >= most.test;
  await gather(file, scan.problems, async ({ report }) => {
    const onSkipped = (count: number): void => {
      if (!isFull()) scan.skipped.train += count;
    };
    const onUnlabelled = (): void => {
      if (!isFull()) scan.unlabelled.train++;
    };
    const options = { report, onSkipped, unlabelled: 'leave out', onUnlabelled } as const;
    for await (const row of scanTable(file, columnsOf(data), options)) {
      const split = splitOf(row, data, kept);
      const isAsked = scan.rows[split] < most[split];
      if (isAsked) scan.rows[split]++;
      if (isAsked || allLabels) scan[split].add(row.label ?? '', row);
      if (!allLabels && isFull()) return;
    }
  });
  return scan;
}

async function gather(
  file: string,
  problems: InputProblem[],
  scan: (report: FileProblems) => Promise<void>,
): Promise<void> {
  const found = new FileProblems(file);
  try {
    await scan(found);
    problems.push(...found.list());
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    problems.push(...found.list(), ...error.problems);
  }
}

function labelProblems(data: DataConfig, tables: Tables, { train, test, rows, unlabelled }: Scan): InputProblem[] {
  if (rows.train === 0) return [{ where: tables.train, problem: 'has no row with a text and a label' }];
  const problems: InputProblem[] = [];
  const otherSplit =
    data.maxTrainRows === undefined
      ? 'set another data.testFraction'
      : 'set another data.testFraction or a larger data.maxTrainRows';
  const isOneClass = train.counts.size < 2;
  if (isOneClass && tables.test === null && test.missingFrom(train).length > 0) {
    const without = unlabelled.train === 0 ? '' : `, and ${unlabelled.train} without a label left out`;
    const problem =
      `has the same label in every training row, as the rows with other labels are held out for testing${without}; ` +
      `add rows of other classes, give data.test, or ${otherSplit}`;
    return [{ where: `${tables.train}, column "${data.labelColumn}"`, problem }];
  }
  if (train.tooMany)
    problems.push({
      where: `${tables.train}, column "${data.labelColumn}"`,
      problem: `has more than ${MOST_CLASSES} different labels; is it the label column?`,
    });
  else if (isOneClass)
    problems.push({
      where: `${tables.train}, column "${data.labelColumn}"`,
      problem: 'has the same label in every training row; at least two classes are needed',
    });
  problems.push(...testRowProblems(tables, rows));
  const testFile = tables.test ?? tables.train;
  const unknown = new FileProblems(testFile);
  const wayOut = `correct it, or add training rows of that class${tables.test === null ? `, or ${otherSplit}` : ''}`;
  for (const problem of test.unknownTo(train, testFile, data.labelColumn, wayOut)) unknown.report(problem);
  return [...problems, ...unknown.list()];
}

function testRowProblems(tables: Tables, rows: Scan['rows']): InputProblem[] {
  if (rows.test > 0) return [];
  if (tables.test !== null) return [{ where: tables.test, problem: 'has no row with a text and a label' }];
  const problem = 'is too small for held-out test rows; give data.test, or raise data.testFraction';
  return [{ where: tables.train, problem }];
}

/** The labels of the whole training table, with the rows that are held out of it. */
const trainingTable = (tables: Tables, { train, test }: Scan): LabelCounts =>
  tables.test === null ? train.plus(test) : train;

/** What is wrong with labels that are protected. These sentences depend only on the sets of classes: they name no row
 *  and count no rows. */
function wholeTableProblems({ labelColumn }: DataConfig, tables: Tables, scan: Scan): InputProblem[] {
  const { test, rows } = scan;
  if (rows.train === 0) return [{ where: tables.train, problem: 'has no row with a text and a label' }];
  const known = trainingTable(tables, scan);
  const problems: InputProblem[] = [];
  const refuse = (file: string, problem: string): void => {
    problems.push({ where: `${file}, column "${labelColumn}"`, problem });
  };
  const tooMany = `has more than ${MOST_CLASSES} different labels; is it the label column?`;
  if (known.tooMany) refuse(tables.train, tooMany);
  else if (known.counts.size < 2)
    refuse(tables.train, 'has the same label in every row; at least two classes are needed');
  problems.push(...testRowProblems(tables, rows));
  if (tables.test === null || known.tooMany) return problems;
  const unknown = test.missingFrom(known).length;
  if (test.tooMany) refuse(tables.test, tooMany);
  else if (unknown > 0) {
    const [labels, those] = unknown === 1 ? ['a label', 'it'] : [`${unknown} labels`, 'them'];
    const wayOut = `correct ${those}, or add training rows that have ${those}`;
    const unnamed = 'where labels are protected (privacy.labelEpsilon), rows are not named';
    refuse(tables.test, `holds ${labels} that no training row has; ${wayOut} (${unnamed})`);
  }
  return problems;
}
