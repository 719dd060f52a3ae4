/** Finds the wanted columns of a table, and says what columns there are when one is missing. */
import { nearest, type InputProblem } from '../../contracts/index.ts';

/** A column that is wanted, and the configuration field that names it. */
export interface WantedColumn {
  readonly name: string;
  readonly field: string;
}

/** So many column names are listed in a message. */
const LISTED_COLUMNS = 30;
/** A column name has at most so many characters and words; anything longer is a text. */
const LONGEST_NAME = 40;
const MOST_WORDS = 4;

/** A problem for each wanted column that `columns` lacks or has twice. It says how many columns there are, and which
 *  one was probably meant.
 *  @param list whether all columns are named. Only the owner of the table may see them: without a header they are
 *  texts. */
export function checkColumns(
  file: string,
  columns: readonly string[],
  wanted: readonly WantedColumn[],
  { list = false }: { list?: boolean } = {},
): InputProblem[] {
  const problems: InputProblem[] = [];
  for (const { name, field } of wanted) {
    const found = columns.filter((column) => column === name).length;
    if (found === 1) continue;
    if (found > 1) {
      problems.push({ where: file, problem: `has ${found} columns "${name}" (${field}); give each its own name` });
      continue;
    }
    problems.push({
      where: file,
      problem: `has no column "${name}" (${field}); ${describeColumns(columns, name, list)}`,
    });
  }
  return problems;
}

function describeColumns(columns: readonly string[], wanted: string, list: boolean): string {
  // The first line of a table without a header is a user's text, which must not get into a message.
  if (!columns.every(looksLikeName))
    return 'its first line does not look like column names: the first line must name the columns';
  const meant = nearest(wanted, columns);
  const suggestion = meant === undefined ? '' : `; did you mean "${meant}"?`;
  if (!list)
    return `it has ${columns.length} ${columns.length === 1 ? 'column' : 'columns'} of other names${suggestion}`;
  const listed = columns
    .slice(0, LISTED_COLUMNS)
    .map((column) => `"${column}"`)
    .join(', ');
  const more = columns.length > LISTED_COLUMNS ? ` and ${columns.length - LISTED_COLUMNS} more` : '';
  return `its columns are ${listed}${more}${suggestion}`;
}

export const looksLikeName = (name: string): boolean =>
  name.length <= LONGEST_NAME && name.split(/\s+/).length <= MOST_WORDS && !/[\r\n]/.test(name);
