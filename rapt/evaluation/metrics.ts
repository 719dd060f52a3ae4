/** Accuracy, its interval, and precision, recall and F1 of each class. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % standard normal quantile. */
export const Z95 = 1.959963984540054;

/** 95 % score interval of a proportion (Wilson 1927), which stays inside [0, 1] and is usable at 0 and 1 and for small
 *  n. `n` = 0 says nothing about the proportion: [0, 1]. */
export function wilsonInterval(proportion: number, n: number): Interval {
  if (n <= 0) return { low: 0, high: 1 };
  const z2 = Z95 * Z95;
  const centre = (proportion + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((proportion * (1 - proportion)) / n + z2 / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export interface ClassScore {
  /** Test rows of this class, and test rows given this class. */
  readonly support: number;
  readonly predicted: number;
  /** null where nothing was predicted, or nothing was there. */
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

/** Precision, recall and F1 of each class. `confusion[truth][predicted]` holds counts. */
export function classScores(confusion: readonly (readonly number[])[]): ClassScore[] {
  return confusion.map((row, index) => {
    const hits = row[index] ?? 0;
    const support = sum(row);
    const predicted = sum(confusion.map((other) => other[index] ?? 0));
    return {
      support,
      predicted,
      precision: predicted > 0 ? hits / predicted : null,
      recall: support > 0 ? hits / support : null,
      f1: support + predicted > 0 ? (2 * hits) / (support + predicted) : null,
    };
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export interface Evaluation {
  readonly accuracy: number;
  /** Mean of the classes' F1; a class that is neither there nor predicted is left out. */
  readonly f1: number;
  readonly n: number;
  /** Share of the most frequent true class. */
  readonly majorityRate: number;
  /** confusion[truth][predicted], counts. */
  readonly confusion: readonly (readonly number[])[];
}

/** Compares class numbers. @throws RangeError when the two differ in length or are empty. */
export function evaluate(truth: Int32Array, predicted: Int32Array, classes: number): Evaluation {
  const n = truth.length;
  if (n === 0 || n !== predicted.length)
    throw new RangeError(`${n} labels do not match ${predicted.length} predictions`);
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let at = 0; at < n; at++) confusion[truth[at]!]![predicted[at]!]!++;
  const hits = sum(confusion.map((row, index) => row[index] ?? 0));
  const scores = classScores(confusion).flatMap(({ f1 }) => (f1 === null ? [] : [f1]));
  return {
    accuracy: hits / n,
    f1: sum(scores) / scores.length,
    n,
    majorityRate: Math.max(...confusion.map(sum)) / n,
    confusion,
  };
}
