/** What the adversary knows of the mechanism: log P(y|x) for every input x of the public table. */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EmbeddingTable } from '../privacy/index.ts';
import { createMechanism, seededRandom } from '../privacy/index.ts';
import { cachedNumbers } from '../cache.ts';
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { drawFrom } from './prior.ts';

const BLOCK = 512;
/** Pairs that a laplace channel is fitted to. */
const FITTED_PAIRS = 2048;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

export interface ChannelOptions {
  readonly mechanism: 'exponential' | 'laplace';
  readonly eta: number;
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  /** What inputs are expected; a laplace channel is fitted to draws from it. */
  readonly prior: Float64Array;
  /** log W of every input at a rate. Default: a pass over all pairs of tokens, whose sums are public and kept in the cache. */
  readonly logTotals?: ((rate: number) => Float32Array) | undefined;
}

/** log P(y|x) = -rate * ||phi(x) - phi(y)|| - log W(x), W(x) the sum over all outputs. Free with `dispose`.
 *
 *  exponential: rate = eta / 2, the mechanism itself up to its rounding.
 *  laplace: P(y|x) is the noise's mass in the Voronoi cell of phi(y), for which no closed form is known. The adversary takes a channel of the same
 *  form, its rate fitted by maximum likelihood to pairs that he draws himself, the mechanism being public. What he gets is a lower bound of
 *  what the true P(y|x) would give him. */
export class Channel {
  /** In 1 / distance. */
  readonly rate: number;
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  readonly #inputs: Tensor2D;
  readonly #squares: Tensor1D;
  readonly #logTotals: Tensor1D;

  private constructor(rate: number, table: EmbeddingTable, outputIds: Int32Array, logTotals: Float32Array) {
    this.rate = rate;
    this.table = table;
    this.outputIds = outputIds;
    this.#inputs = tf.tensor2d(table.values, [table.rows, table.dimensions]);
    this.#squares = tidy(() => tf.sum<Tensor1D>(tf.square(this.#inputs), 1));
    this.#logTotals = tf.tensor1d(logTotals);
  }

  static async create({ mechanism, eta, table, outputIds, prior, logTotals }: ChannelOptions): Promise<Channel> {
    const rate = mechanism === 'exponential' ? eta / 2 : await fittedRate(eta, table, outputIds, prior);
    return new Channel(rate, table, outputIds, logTotals === undefined ? await summedTotals(rate, table, outputIds) : logTotals(rate));
  }

  /** log P(y|x) for the given outputs and every input: [ys, inputs]. */
  logLikelihood(ys: Int32Array): Tensor2D {
    return tidy(() => {
      const outputs = tf.gather<Tensor2D>(this.#inputs, tf.tensor1d(ys, 'int32'));
      return tf.sub(tf.mul(distances(outputs, this.#inputs, this.#squares), -this.rate), this.#logTotals);
    });
  }

  /** P(y|x) for one input and every output, in the order of the output ids. */
  outputs(x: number): Float32Array {
    const row = tidy(() => {
      const outputs = tf.gather<Tensor2D>(this.#inputs, tf.tensor1d(this.outputIds, 'int32'));
      const squares = tf.gather<Tensor1D>(this.#squares, tf.tensor1d(this.outputIds, 'int32'));
      return tf.softmax(tf.mul(distances(tf.slice(this.#inputs, [x, 0], [1, this.table.dimensions]), outputs, squares), -this.rate));
    });
    const values = row.dataSync<'float32'>();
    row.dispose();
    return values;
  }

  dispose(): void {
    for (const tensor of [this.#inputs, this.#squares, this.#logTotals]) tensor.dispose();
  }
}

/** a [rows, d], b [columns, d] with the squared norms of its rows: [rows, columns]. */
export const distances = (a: Tensor2D, b: Tensor2D, squaresOfB: Tensor1D): Tensor2D =>
  tidy(() => tf.sqrt(tf.relu(tf.add(tf.sub(tf.sum(tf.square(a), 1, true), tf.mul(tf.matMul(a, b, false, true), 2)), squaresOfB))));

function summedTotals(rate: number, table: EmbeddingTable, outputIds: Int32Array): Promise<Float32Array> {
  return cachedNumbers(join('channels', `${table.sha256}-${outputIds.length}-${rate}.f32`), table.rows, Float32Array, async () => {
    const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
    const outputs = tf.gather<Tensor2D>(all, tf.tensor1d(outputIds, 'int32'));
    const squares = tidy(() => tf.sum<Tensor1D>(tf.square(outputs), 1));
    const totals = new Float32Array(table.rows);
    for (let at = 0; at < table.rows; at += BLOCK) {
      const rows = Math.min(BLOCK, table.rows - at);
      const sums = tidy(() => tf.logSumExp<Tensor1D>(tf.mul(distances(tf.slice(all, [at, 0], [rows, table.dimensions]), outputs, squares), -rate), 1));
      totals.set(sums.dataSync<'float32'>(), at);
      sums.dispose();
      await nextTurn();
    }
    for (const tensor of [all, outputs, squares]) tensor.dispose();
    return totals;
  });
}

/** The rate under which pairs drawn from the mechanism are likeliest; the log-likelihood is concave in it, so a golden-section search finds it. */
async function fittedRate(eta: number, table: EmbeddingTable, outputIds: Int32Array, prior: Float64Array): Promise<number> {
  const random = seededRandom(17);
  const inputs = drawFrom(prior, FITTED_PAIRS, random);
  const mechanism = createMechanism({ name: 'laplace', eta, table, outputIds, random });
  const places = new Map(Array.from(outputIds, (id, place) => [id, place]));
  const answers = Int32Array.from(mechanism.privatize(inputs), (id) => places.get(id)!);
  mechanism.dispose();
  const [far, own] = tidy(() => {
    const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
    const outputs = tf.gather<Tensor2D>(all, tf.tensor1d(outputIds, 'int32'));
    const d = distances(tf.gather<Tensor2D>(all, tf.tensor1d(inputs, 'int32')), outputs, tf.sum(tf.square(outputs), 1));
    const mask = tf.oneHot(tf.tensor1d(answers, 'int32'), outputIds.length);
    return [d, tf.sum<Tensor1D>(tf.mul(d, mask), 1)] as const;
  });
  const likelihood = (rate: number): number => {
    const mean = tidy(() => tf.mean(tf.sub(tf.mul(own, -rate), tf.logSumExp(tf.mul(far, -rate), 1))));
    const value = mean.dataSync()[0]!;
    mean.dispose();
    return value;
  };
  let [low, high] = [0, eta];
  for (let step = 0; step < 24; step++) {
    const [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (likelihood(a) < likelihood(b)) low = a;
    else high = b;
    await nextTurn();
  }
  far.dispose();
  own.dispose();
  return Number(((low + high) / 2).toPrecision(4));
}
