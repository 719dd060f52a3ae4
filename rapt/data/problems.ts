/** What is wrong with a user's table. Problems name places and columns and never quote a cell, since they travel to
 *  logs and servers. */
import type { InputProblem } from '../../contracts/index.ts';

/** So many row problems are listed for a file; the rest is counted. */
const LISTED_PROBLEMS = 20;

/** Where a row stands. */
export interface RowPlace {
  /** The line of the file on which the row starts, 1-based; null for Parquet and Arrow. */
  readonly line: number | null;
  /** The number of the data row, 0-based. */
  readonly number: number;
  /** In a table of several files: the file in which the row stands, and its number there. */
  readonly part?: { readonly file: string; readonly number: number };
}

/** Is called with each row problem as it is met. May throw, to stop at the first one. */
export type ReportProblem = (problem: InputProblem) => void;

/** What a person needs to find a cell: "reviews.csv, line 17 (row 16), column "text"". Rows are counted from 1 here. */
export function describePlace(file: string, place: RowPlace, column?: string): string {
  const at = place.part ?? { file, number: place.number };
  const row = place.line === null ? `row ${at.number + 1}` : `line ${place.line} (row ${at.number + 1})`;
  return `${at.file}, ${row}${column === undefined ? '' : `, column "${column}"`}`;
}

/** Collects the problems of one file: the first ones in full, the others as a count. */
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
