/** Finding the wanted columns, and saying which there are when one is missing. */
import type { InputProblem } from '../../contracts/index.ts';

/** A column that is wanted, and the configuration field that names it. */
export interface WantedColumn {
  readonly name: string;
  readonly field: string;
}

/** Column names listed in a message. */
const LISTED_COLUMNS = 30;
const LONGEST_NAME = 40;
const MOST_WORDS = 4;

/** A problem for each wanted column that `columns` lacks or has twice, with the columns there are and the one that was probably meant. */
export function checkColumns(file: string, columns: readonly string[], wanted: readonly WantedColumn[]): InputProblem[] {
  const problems: InputProblem[] = [];
  for (const { name, field } of wanted) {
    const found = columns.filter((column) => column === name).length;
    if (found === 1) continue;
    if (found > 1) {
      problems.push({ where: file, problem: `has ${found} columns "${name}" (${field}); give each its own name` });
      continue;
    }
    problems.push({ where: file, problem: `has no column "${name}" (${field}); ${describeColumns(columns, name)}` });
  }
  return problems;
}

function describeColumns(columns: readonly string[], wanted: string): string {
  // A table without a header has a user's text in its first line, and that must not get into a message.
  if (!columns.every(looksLikeName)) return 'its first line does not look like column names: the first line must name the columns';
  const meant = nearest(wanted, columns);
  const listed = columns.slice(0, LISTED_COLUMNS).map((column) => `"${column}"`).join(', ');
  const more = columns.length > LISTED_COLUMNS ? ` and ${columns.length - LISTED_COLUMNS} more` : '';
  return `its columns are ${listed}${more}${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}

const looksLikeName = (name: string): boolean => name.length <= LONGEST_NAME && name.split(/\s+/).length <= MOST_WORDS && !/[\r\n]/.test(name);

/** The candidate within two edits (one for a short word, a third of a long one), letter case aside; undefined when none is that near. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = (word.length <= 3 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, by rows of the usual table. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
