import type { InputProblem } from '../../contracts/index.ts';
import { describePlace } from './problems.ts';
import type { RowPlace } from './problems.ts';

/** A column with more values than this holds texts or numbers, and was mistaken for the labels. The limit also bounds
 *  the memory of a scan. */
export const MOST_CLASSES = 1000;

/** Sorts classes as numbers when each of them is one, else by code units, so that the order does not depend on the
 *  machine's language. */
export function sortClasses(classes: Iterable<string>): string[] {
  const sorted = [...classes].sort();
  const numeric = sorted.every((name) => /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(name));
  return numeric ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted;
}

/** How many rows each label has, and where it was seen first. */
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

  /** The sums of both counts. They have no places. */
  plus(other: LabelCounts): LabelCounts {
    const both = new LabelCounts();
    for (const [label, count] of [...this.counts, ...other.counts])
      both.counts.set(label, (both.counts.get(label) ?? 0) + count);
    both.tooMany = this.tooMany || other.tooMany || both.counts.size > MOST_CLASSES;
    return both;
  }

  /** The count of each of these classes. */
  of(classes: readonly string[]): number[] {
    return classes.map((name) => this.counts.get(name) ?? 0);
  }

  /** Where each label that `other` lacks was seen first. Empty when either holds too many labels. */
  missingFrom(other: LabelCounts): RowPlace[] {
    if (this.tooMany || other.tooMany) return [];
    return [...this.#first].flatMap(([label, place]) => (other.counts.has(label) ? [] : [place]));
  }

  /** One problem for each label that `trained` does not know, at the first row that has it. The label is not quoted: if
   *  the wrong column was named, it is a text.
   *  @param wayOut what to do about it. */
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
