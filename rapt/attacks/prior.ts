/** Which tokens the adversary expects before he looks: P(x) for every token of the table. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { uniform, type RandomSource } from '../privacy/index.ts';
import { tf, tidy, type Rank, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import type { Channel } from './channel.ts';

/** Mandelbrot's shift of Zipf's law (1953). */
const SHIFT = 2.7;
/** Distinct released tokens that a prior is estimated from: all of the frequent ones, and so many that stand for the rest. Bounds the memory to 4,096 rows
 *  of the table's length. */
const FREQUENT_OUTPUTS = 3072;
const RARE_OUTPUTS = 1024;
/** Few: the likelihood alone would rather have a few tokens explain all (a deconvolution is stopped early for the same reason). */
const EM_ITERATIONS = 8;
/** Share of the start in the answer, so that a token that was never near an output stays possible. */
const KEPT_OF_START = 0.1;
const BLOCK = 512;

/** Zipf's law over the tokenizer's ids: WordPiece and BPE vocabularies are roughly ordered by frequency. Tokens that are no output are left
 *  with next to nothing. */
export function zipfPrior(rows: number, outputIds: Int32Array): Float64Array {
  const prior = new Float64Array(rows).fill(1e-9);
  outputIds.forEach((id, rank) => (prior[id] = 1 / (rank + 1 + SHIFT)));
  return normalized(prior);
}

/** Relative frequencies in public text, smoothed with another prior. @param weight of the other prior, in tokens. */
export function countedPrior(texts: readonly Int32Array[], other: Float64Array, weight = 1000): Float64Array {
  const prior = other.map((p) => p * weight);
  for (const text of texts) for (const id of text) prior[id]!++;
  return normalized(prior);
}

/** The maximum-likelihood prior given what was released, found by expectation maximization from a start (Dempster, Laird and Rubin, JRSS B 39, 1977;
 *  for a known channel it is Richardson and Lucy's deconvolution): P(x) <- P(x) sum over y of n(y)/N P(y|x) / sum over x' P(x') P(y|x').
 *  The provider holds all it takes. @param released token ids. */
export async function estimatedPrior(channel: Channel, released: Int32Array, start: Float64Array): Promise<Float64Array> {
  const { ids, counts } = representatives(released);
  const likelihood: Tensor2D[] = [];
  for (let at = 0; at < ids.length; at += BLOCK) {
    likelihood.push(tidy(() => tf.exp(channel.logLikelihood(ids.slice(at, at + BLOCK)))));
    await nextTurn();
  }
  const share = counts.map((count) => count / counts.reduce((sum, other) => sum + other, 0));
  let prior = tf.tensor1d(Float32Array.from(start));
  for (let iteration = 0; iteration < EM_ITERATIONS; iteration++) {
    const next = tidy(() => {
      const column = tf.reshape<Rank.R2>(prior, [prior.size, 1]);
      const gathered = likelihood.map((block, index) => {
        const expected = tf.matMul<Tensor2D>(block, column); //  [ys, 1]
        const weights = tf.tensor2d(share.slice(index * BLOCK, index * BLOCK + block.shape[0]), [block.shape[0], 1]);
        return tf.matMul<Tensor2D>(block, tf.div<Tensor2D>(weights, tf.add(expected, 1e-30)), true, false); //  [inputs, 1]
      });
      return tf.mul<Tensor1D>(prior, tf.reshape(tf.addN(gathered), [prior.size]));
    });
    prior.dispose();
    prior = next;
    await nextTurn();
  }
  const values = Float64Array.from(prior.dataSync<'float32'>());
  prior.dispose();
  likelihood.forEach((block) => block.dispose());
  return normalized(values.map((p, id) => (1 - KEPT_OF_START) * p + KEPT_OF_START * start[id]!));
}

/** Independent tokens. */
export function drawFrom(prior: Float64Array, count: number, random: RandomSource): Int32Array {
  const sums = new Float64Array(prior.length);
  let total = 0;
  prior.forEach((p, id) => (sums[id] = total += p));
  return Int32Array.from({ length: count }, () => {
    const drawn = uniform(random) * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/** The frequent released tokens with their counts, and an even sample of the others, each standing for several. */
function representatives(released: Int32Array): { ids: Int32Array; counts: Float32Array } {
  const counts = new Map<number, number>();
  for (const id of released) counts.set(id, (counts.get(id) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const frequent = sorted.slice(0, FREQUENT_OUTPUTS);
  const others = sorted.slice(FREQUENT_OUTPUTS).sort((a, b) => a[0] - b[0]);
  const every = Math.max(1, Math.ceil(others.length / RARE_OUTPUTS));
  const sampled = others.filter((_, at) => at % every === 0);
  const scale = sum(others) / Math.max(1, sum(sampled));
  return {
    ids: Int32Array.from([...frequent, ...sampled], ([id]) => id),
    counts: Float32Array.from([...frequent.map(([, count]) => count), ...sampled.map(([, count]) => count * scale)]),
  };
}

const sum = (entries: readonly (readonly [number, number])[]): number => entries.reduce((total, [, count]) => total + count, 0);

function normalized(values: Float64Array): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}
