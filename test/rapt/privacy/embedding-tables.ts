import { loadEmbeddingTable, loadTokenizer, locateBackbone } from '../../../rapt/backbone/index.ts';
import {
  fillDirection,
  outputVocabulary,
  seededRandom,
  uniform,
  type EmbeddingTable,
} from '../../../rapt/privacy/index.ts';

/** A table like MiniLM's in norms and neighbour distances, with near and equal rows among its tokens. */
export function randomTable(rows: number, dimensions: number, seed = 1): EmbeddingTable {
  const random = seededRandom(seed);
  const values = new Float32Array(rows * dimensions);
  const direction = new Float64Array(dimensions);
  for (let row = 0; row < rows; row++) {
    fillDirection(random, direction);
    const norm = 0.4 + uniform(random);
    const near = row > 0 && row % 10 === 0;
    for (let i = 0; i < dimensions; i++) {
      const before = values[(row - 1) * dimensions + i] ?? 0;
      values[row * dimensions + i] = near ? before + 0.001 * direction[i]! : norm * direction[i]!;
    }
  }
  values.copyWithin(7 * dimensions, 6 * dimensions, 7 * dimensions);
  return { values, rows, dimensions, sha256: 'f'.repeat(64) };
}

/** Evenly spread output tokens of the real table, as a table of their own. */
export async function sampleOfMiniLM(rows: number): Promise<EmbeddingTable> {
  const { folder } = await locateBackbone('all-MiniLM-L6-v2');
  const { tokens, specialIds } = await loadTokenizer(folder);
  const { values, dimensions } = loadEmbeddingTable(folder);
  const outputs = outputVocabulary(tokens, specialIds);
  const sample = new Float32Array(rows * dimensions);
  for (let row = 0; row < rows; row++) {
    const id = outputs[Math.floor((row * outputs.length) / rows)]!;
    sample.set(values.subarray(id * dimensions, (id + 1) * dimensions), row * dimensions);
  }
  return { values: sample, rows, dimensions, sha256: 'd'.repeat(64) };
}

/** Rows given as points. */
export const tableOf = (points: readonly (readonly number[])[]): EmbeddingTable => ({
  values: Float32Array.from(points.flat()),
  rows: points.length,
  dimensions: points[0]!.length,
  sha256: 'e'.repeat(64),
});

export const range = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to - from }, (_, i) => from + i);

/** Largest |log P(y|x) - log P(y|x')| over all outputs, for all pairs of the given inputs. @returns its largest share
 *  of a bound. */
export function exhaust(
  probabilities: readonly Float64Array[],
): (bound: (x: number, other: number) => number) => number {
  const logs = probabilities.map((row) => row.map(Math.log));
  const inputs = logs.length;
  const largest = new Float64Array(inputs * inputs);
  for (let x = 0; x < inputs; x++)
    for (let other = x + 1; other < inputs; other++) {
      const [a, b] = [logs[x]!, logs[other]!];
      let most = 0;
      for (let y = 0; y < a.length; y++) {
        const difference = Math.abs(a[y]! - b[y]!);
        if (difference > most) most = difference;
      }
      largest[x * inputs + other] = most;
    }
  return (bound) => {
    let share = 0;
    for (let x = 0; x < inputs; x++)
      for (let other = x + 1; other < inputs; other++)
        share = Math.max(share, largest[x * inputs + other]! / bound(x, other));
    return share;
  };
}
