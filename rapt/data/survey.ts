/** Looking over a table that nobody has described yet: what its columns are like. Counts and names only, never a cell's content. */
import { BadInput } from '../../contracts/index.ts';
import { looksLikeName } from './columns.ts';
import { formatOf } from './parts.ts';
import type { TableFormat } from './record.ts';

/** Different values are counted up to here: more are texts or numbers, and the set of them would grow with the table. */
const MOST_DISTINCT = 1000;
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
}

/** Reads a table from end to end, at constant memory. Rows that cannot be read are left to the inspection.
 *  @throws BadInput for a file that is no table, has no usable header, or no rows. */
export async function surveyTable(file: string): Promise<TableSurvey> {
  const format = await formatOf(file);
  const names = (await format.columns(file)).filter((name) => name !== '');
  const problem = headerProblem(names);
  if (problem !== null) throw new BadInput([{ where: file, problem }]);
  const unusable: string[] = [];
  for (const name of names) if (!(await holdsCells(format, file, name))) unusable.push(name);
  const columns = names.filter((name) => !unusable.includes(name)).map((name) => new ColumnCounter(name));
  let rows = 0;
  for await (const { cells } of format.records(file, columns.map(({ name }) => name), () => undefined)) {
    const texts = cells.map((cell) => cell?.trim() ?? '');
    if (texts.every((text) => text === '')) continue;
    rows++;
    for (const [at, text] of texts.entries()) columns[at]!.add(text);
  }
  if (rows === 0) throw new BadInput([{ where: file, problem: 'has a header and no rows' }]);
  return { rows, columns: columns.map((column) => column.survey()), unusable };
}

function headerProblem(names: readonly string[]): string | null {
  // A table without a header has a user's text in its first line, and that must not get into a message.
  if (!names.every(looksLikeName)) return 'its first line does not look like column names: the first line must name the columns';
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return `has more than one column "${twice}"; give each its own name`;
  const separator = names.length === 1 ? /[;\t|]/.exec(names[0]!)?.[0] : undefined;
  if (separator === undefined) return null;
  return separator === '\t' ? 'is separated by tabs; name it .tsv' : `seems to be separated by "${separator}"; export it with commas, or with tabs as .tsv`;
}

async function holdsCells(format: TableFormat, file: string, name: string): Promise<boolean> {
  let refused = 0;
  let rows = 0;
  for await (const _record of format.records(file, [name], ({ where }) => void (refused += where.endsWith(`column "${name}"`) ? 1 : 0))) {
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
    this.#words += text.split(/\s+/).length;
    if (Number.isFinite(Number(text))) this.#numbers++;
    if (this.#values.size <= MOST_DISTINCT) this.#values.add(text);
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
