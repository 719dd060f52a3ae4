/** Looking over a table that nobody has described yet: what its columns are like. Counts and names only, never a cell's
 *  content. */
import { BadInput } from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';
import { looksLikeName } from './columns.ts';
import { formatOf } from './parts.ts';
import type { TableFormat } from './formats/index.ts';
import { countWords } from './words.ts';

/** Different values are counted up to here: more are texts or numbers, and the set of them would grow with the
 *  table. */
const MOST_DISTINCT = 1000;
/** A longer value is told from others by its digest. */
const LONGEST_KEPT = 256;
/** Rows that are looked at to learn whether a column holds cells at all, or lists and objects. */
const PROBED_ROWS = 100;

export interface ColumnSurvey {
  readonly name: string;
  /** Cells that are empty in rows that are not. */
  readonly empty: number;
  /** Different values; null for more than a thousand. */
  readonly distinct: number | null;
  /** Of a cell that is not empty. */
  readonly meanWords: number;
  readonly numeric: boolean;
}

export interface TableSurvey {
  /** Rows that are not empty altogether. */
  readonly rows: number;
  readonly columns: readonly ColumnSurvey[];
  /** Columns of lists or objects, which can be neither texts nor labels. */
  readonly unusable: readonly string[];
  /** Names that more than one column has, so that none of these can be named. */
  readonly repeated: readonly string[];
}

/** Reads a table from end to end, at constant memory. Rows that cannot be read are left to the inspection.
 *  @throws BadInput for a file that is no table, has no usable header, or no rows. */
export async function surveyTable(file: string): Promise<TableSurvey> {
  const format = await formatOf(file);
  // A column without a name is an index, which pandas writes first.
  const all = (await format.columns(file)).filter((name) => name !== '');
  // A table without a header has a user's text in its first line, and that must not get into a message.
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
