/** Guessing tokens one by one: by nearness, and by Bayes' rule. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { tf, tidy, type Tensor2D } from '../tensorflow.ts';
import { distances, type Channel } from './channel.ts';

const BLOCK = 256;

/** Best guesses for each released token, best first. */
export type Guesses = ReadonlyMap<number, Int32Array>;

/** Embedding inversion: the tokens nearest to phi(y), y itself first. @param ys distinct. */
export function nearestGuesses(channel: Channel, ys: Int32Array, count: number): Promise<Guesses> {
  const { table } = channel;
  const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
  const squares = tidy(() => tf.sum(tf.square(all), 1)).as1D();
  return bestOf(ys, count, (block) => tf.neg(distances(tf.gather<Tensor2D>(all, tf.tensor1d(block, 'int32')), all, squares))).finally(() => {
    all.dispose();
    squares.dispose();
  });
}

/** The Bayesian adversary: the tokens of largest P(y|x) P(x), the best that anybody can do with one token and this prior. */
export async function bayesianGuesses(channel: Channel, prior: Float64Array, ys: Int32Array, count: number): Promise<Guesses> {
  const logPrior = tf.tensor1d(Float32Array.from(prior, (p) => Math.log(Math.max(p, 1e-30))));
  try {
    return await bestOf(ys, count, (block) => tf.add<Tensor2D>(channel.logLikelihood(block), logPrior));
  } finally {
    logPrior.dispose();
  }
}

/** @param scores of every input for a block of outputs, [block, inputs]. */
export async function bestOf(ys: Int32Array, count: number, scores: (block: Int32Array) => Tensor2D): Promise<Guesses> {
  const guesses = new Map<number, Int32Array>();
  for (let at = 0; at < ys.length; at += BLOCK) {
    const block = ys.slice(at, at + BLOCK);
    const best = tidy(() => tf.topk(scores(block), count).indices);
    const indices = best.dataSync<'int32'>();
    best.dispose();
    block.forEach((y, row) => guesses.set(y, indices.slice(row * count, (row + 1) * count)));
    await nextTurn();
  }
  return guesses;
}
