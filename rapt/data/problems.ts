/** Collects what is wrong with a user's table. Problems name places and columns, never a cell's content: they travel to
 *  logs and servers. */
import type { InputProblem } from '../../contracts/index.ts';

/** Row problems that are listed for one file; the rest is counted. */
const LISTED_PROBLEMS = 20;

/** Where a row stands: `line` is the 1-based line of the file on which it starts (null for Parquet), `number` the
 *  0-based data row. */
export interface RowPlace {
  readonly line: number | null;
  readonly number: number;
  /** Of a table of several files: the one in which the row stands, and its row there. */
  readonly part?: { readonly file: string; readonly number: number };
}

/** Told of each row problem as it is met; may throw to stop at the first. */
export type ReportProblem = (problem: InputProblem) => void;

/** "reviews.csv, line 17 (row 16), column "text"": what a person needs to find the cell. Rows are counted from 1 for
 *  people. */
export function describePlace(file: string, place: RowPlace, column?: string): string {
  const at = place.part ?? { file, number: place.number };
  const row = place.line === null ? `row ${at.number + 1}` : `line ${place.line} (row ${at.number + 1})`;
  return `${at.file}, ${row}${column === undefined ? '' : `, column "${column}"`}`;
}

/** The problems of one file: the first ones in full, the others as a count. */
export class FileProblems {
  readonly #file: string;
  readonly #listed: InputProblem[] = [];
  #unlisted = 0;

  constructor(file: string) {
    this.#file = file;
  }

  readonly report: ReportProblem = (problem) => {
    if (this.#listed.length < LISTED_PROBLEMS) this.#listed.push(problem);
    else this.#unlisted++;
  };

  get any(): boolean {
    return this.#listed.length > 0;
  }

  list(): InputProblem[] {
    if (this.#unlisted === 0) return [...this.#listed];
    const noun = this.#unlisted === 1 ? 'problem' : 'problems';
    return [...this.#listed, { where: this.#file, problem: `has ${this.#unlisted} more ${noun} like these` }];
  }
}
