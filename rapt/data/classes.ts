import type { InputProblem } from '../../contracts/index.ts';
import { describePlace } from './problems.ts';
import type { RowPlace } from './problems.ts';

/** More classes than this is a column of texts or numbers mistaken for the labels. Bounds the memory of a scan as
 *  well. */
export const MOST_CLASSES = 1000;

/** Numerically when every class is a number, else by code units, so that the order does not hang on the machine's
 *  language. */
export function sortClasses(classes: Iterable<string>): string[] {
  const sorted = [...classes].sort();
  const numeric = sorted.every((name) => /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(name));
  return numeric ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted;
}

/** Rows of each label, and where each was first seen. */
export class LabelCounts {
  readonly counts = new Map<string, number>();
  readonly #first = new Map<string, RowPlace>();
  tooMany = false;

  add(label: string, place: RowPlace): void {
    const count = this.counts.get(label);
    if (count === undefined && this.counts.size >= MOST_CLASSES) {
      this.tooMany = true;
      return;
    }
    this.counts.set(label, (count ?? 0) + 1);
    if (count === undefined)
      this.#first.set(label, {
        line: place.line,
        number: place.number,
        ...(place.part === undefined ? {} : { part: place.part }),
      });
  }

  /** The rows of both, without their places. */
  plus(other: LabelCounts): LabelCounts {
    const both = new LabelCounts();
    for (const [label, count] of [...this.counts, ...other.counts])
      both.counts.set(label, (both.counts.get(label) ?? 0) + count);
    both.tooMany = this.tooMany || other.tooMany || both.counts.size > MOST_CLASSES;
    return both;
  }

  of(classes: readonly string[]): number[] {
    return classes.map((name) => this.counts.get(name) ?? 0);
  }

  /** Where each label was first seen that `other` does not have. Empty when either has too many. */
  missingFrom(other: LabelCounts): RowPlace[] {
    if (this.tooMany || other.tooMany) return [];
    return [...this.#first].flatMap(([label, place]) => (other.counts.has(label) ? [] : [place]));
  }

  /** One problem for each label that `trained` does not know, at the first row that has it. The label itself is not
   *  quoted: where the wrong column was named, it is a text. @param wayOut what to do about it. */
  unknownTo(trained: LabelCounts, file: string, column: string, wayOut: string): InputProblem[] {
    const problems: InputProblem[] = [];
    for (const [label, count] of this.counts) {
      const place = this.#first.get(label);
      if (trained.counts.has(label) || trained.tooMany || place === undefined) continue;
      const also = count === 1 ? '' : `, as ${count - 1} later ${count === 2 ? 'row does' : 'rows do'}`;
      problems.push({
        where: describePlace(file, place, column),
        problem: `holds a label that no training row has${also}; ${wayOut}`,
      });
    }
    return problems;
  }
}
