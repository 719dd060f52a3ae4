/** Looks over a table that nobody has described yet, and tells what its columns are like: their names and some counts,
 *  never the content of a cell. */
import { BadInput } from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';
import { looksLikeName } from './columns.ts';
import { formatOf } from './parts.ts';
import type { TableFormat } from './formats/index.ts';
import { countWords } from './word-count.ts';

/** Different values are counted up to here. A column with more of them holds texts or numbers, and the set of its
 *  values would grow with the table. */
const MOST_DISTINCT = 1000;
/** Longer values are kept as digests, in characters. */
const LONGEST_KEPT = 256;
/** So many rows are looked at to learn whether a column holds lists or objects. */
const PROBED_ROWS = 100;

export interface ColumnSurvey {
  readonly name: string;
  /** How many cells are empty, in rows that have other cells. */
  readonly empty: number;
  /** How many different values there are; null for more than a thousand. */
  readonly distinct: number | null;
  /** Words of a cell that is not empty, on average. */
  readonly meanWords: number;
  readonly numeric: boolean;
}

export interface TableSurvey {
  /** How many rows have a cell that is not empty. */
  readonly rows: number;
  readonly columns: readonly ColumnSurvey[];
  /** Names of the columns of lists or objects, which can be neither texts nor labels. */
  readonly unusable: readonly string[];
  /** Names that several columns share, so that a name does not tell which column is meant. */
  readonly repeated: readonly string[];
}

/** Reads a table from end to end, at constant memory. Rows that cannot be read are passed over: the inspection reports
 *  them.
 *  @throws BadInput for a file that is not a table, has no usable header, or has no rows. */
export async function surveyTable(file: string): Promise<TableSurvey> {
  const format = await formatOf(file);
  // A column without a name is the index that pandas writes.
  const all = (await format.columns(file)).filter((name) => name !== '');
  // The first line of a table without a header is a user's text, which must not get into a message.
  if (!all.every(looksLikeName))
    throw new BadInput([
      { where: file, problem: 'its first line does not look like column names: the first line must name the columns' },
    ]);
  const repeated = [...new Set(all.filter((name, at) => all.indexOf(name) !== at))];
  const names = all.filter((name) => !repeated.includes(name));
  const unusable: string[] = [];
  for (const name of names) if (!(await holdsCells(format, file, name))) unusable.push(name);
  const columns = names.filter((name) => !unusable.includes(name)).map((name) => new ColumnCounter(name));
  let rows = 0;
  for await (const { cells } of format.records(
    file,
    columns.map(({ name }) => name),
    () => undefined,
  )) {
    const texts = cells.map((cell) => cell?.trim() ?? '');
    if (texts.every((text) => text === '')) continue;
    rows++;
    for (const [at, text] of texts.entries()) columns[at]!.add(text);
  }
  if (rows === 0) throw new BadInput([{ where: file, problem: 'has a header and no rows' }]);
  return { rows, columns: columns.map((column) => column.survey()), unusable, repeated };
}

async function holdsCells(format: TableFormat, file: string, name: string): Promise<boolean> {
  let refused = 0;
  let rows = 0;
  for await (const _record of format.records(
    file,
    [name],
    ({ where }) => void (refused += where.endsWith(`column "${name}"`) ? 1 : 0),
  )) {
    if (++rows + refused >= PROBED_ROWS) break;
  }
  return refused === 0;
}

class ColumnCounter {
  readonly name: string;
  readonly #values = new Set<string>();
  #cells = 0;
  #empty = 0;
  #words = 0;
  #numbers = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(text: string): void {
    if (text === '') {
      this.#empty++;
      return;
    }
    this.#cells++;
    this.#words += countWords(text);
    if (Number.isFinite(Number(text))) this.#numbers++;
    if (this.#values.size <= MOST_DISTINCT) this.#values.add(text.length <= LONGEST_KEPT ? text : sha256Of(text));
  }

  survey(): ColumnSurvey {
    return {
      name: this.name,
      empty: this.#empty,
      distinct: this.#values.size > MOST_DISTINCT ? null : this.#values.size,
      meanWords: this.#cells === 0 ? 0 : this.#words / this.#cells,
      numeric: this.#cells > 0 && this.#numbers === this.#cells,
    };
  }
}
