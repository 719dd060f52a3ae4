/** The learned inverter: a model of P(x|y) trained on the pairs that RAPT hands the provider with every text, the random plain tokens and their
 *  privatized forms, then turned on the tokens of the texts.
 *
 *  logit(x | y) = -a ||phi(y) - phi(x)|| + u . f(x), f(x) = (phi(x), ||phi(x)||, ||phi(x)||^2), trained by cross-entropy over the plain vocabulary. It is defined for every
 *  token of the table by its embedding, so it guesses tokens that no pair showed; u . f stands for the -log W(x) that the adversary who knows the
 *  mechanism computes. The plain tokens are drawn uniformly; for texts, whose tokens are not, log P(x) is added (prior shift: P(x|y) is
 *  proportional to the uniform posterior times P(x)). A map of phi(y) by a hidden layer was tried and inverts less (39 % against 50 %): there
 *  is no more in the pairs than a rate and the totals. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EmbeddingTable } from '../privacy/index.ts';
import { seededRandom, uniformInteger } from '../privacy/index.ts';
import { tf, tidy, type Rank, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { distances } from './channel.ts';
import { bestOf, type Guesses } from './inference.ts';

const BATCH = 256;
const STEPS = 400;
const LEARNING_RATE = 0.2;
const FIRST_RATE = 5;

export interface PlainPairs {
  /** What was drawn, and what the mechanism made of it. */
  readonly plain: Int32Array;
  readonly noisy: Int32Array;
  /** What the plain tokens were drawn from. */
  readonly vocabulary: Int32Array;
}

/** A trained inverter. Free with `dispose`. */
export class LearnedInverter {
  readonly #all: Tensor2D;
  readonly #squares: Tensor1D;
  readonly #rate: number;
  /** u . f(x) of every token. */
  readonly #bias: Tensor1D;

  private constructor(all: Tensor2D, rate: number, bias: Tensor1D) {
    this.#all = all;
    this.#squares = tidy(() => tf.sum<Tensor1D>(tf.square(all), 1));
    this.#rate = rate;
    this.#bias = bias;
  }

  static async train(table: EmbeddingTable, { plain, noisy, vocabulary }: PlainPairs): Promise<LearnedInverter> {
    const random = seededRandom(23);
    const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
    const places = new Map(Array.from(vocabulary, (id, place) => [id, place]));
    const ids = tf.tensor1d(vocabulary, 'int32');
    const candidates = tf.gather<Tensor2D>(all, ids);
    const squares = tidy(() => tf.sum<Tensor1D>(tf.square(candidates), 1));
    const features = featuresOf(all);
    const own = tf.gather<Tensor2D>(features, ids);
    const rate = tf.variable(tf.scalar(FIRST_RATE));
    const u = tf.variable(tf.zeros<Rank.R2>([table.dimensions + 2, 1]));
    const optimizer = tf.train.adam(LEARNING_RATE);
    for (let step = 0; step < STEPS; step++) {
      const batch = Int32Array.from({ length: BATCH }, () => uniformInteger(random, plain.length));
      optimizer.minimize(
        () => {
          const y = tf.gather<Tensor2D>(all, tf.tensor1d(batch.map((at) => noisy[at]!), 'int32'));
          const logits = tf.sub(tf.transpose(tf.matMul(own, u)), tf.mul(distances(y, candidates, squares), rate));
          return tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(batch.map((at) => places.get(plain[at]!)!), 'int32'), vocabulary.length), logits);
        },
        false,
        [rate, u],
      );
      if (step % 10 === 0) await nextTurn();
    }
    const bias = tidy(() => tf.reshape<Rank.R1>(tf.matMul(features, u), [table.rows]));
    const learned = rate.dataSync()[0]!;
    for (const tensor of [ids, candidates, squares, features, own, rate, u]) tensor.dispose();
    optimizer.dispose();
    return new LearnedInverter(all, learned, bias);
  }

  /** @param prior of the texts' tokens. @param ys distinct. */
  async guesses(prior: Float64Array, ys: Int32Array, count: number): Promise<Guesses> {
    const offset = tidy(() => tf.add<Tensor1D>(this.#bias, tf.tensor1d(Float32Array.from(prior, (p) => Math.log(Math.max(p, 1e-30))))));
    try {
      return await bestOf(ys, count, (block) => tf.sub<Tensor2D>(offset, tf.mul(distances(tf.gather<Tensor2D>(this.#all, tf.tensor1d(block, 'int32')), this.#all, this.#squares), this.#rate)));
    } finally {
      offset.dispose();
    }
  }

  dispose(): void {
    for (const tensor of [this.#all, this.#squares, this.#bias]) tensor.dispose();
  }
}

/** [tokens, dimensions + 2] */
const featuresOf = (all: Tensor2D): Tensor2D =>
  tidy(() => {
    const square = tf.sum<Tensor2D>(tf.square(all), 1, true);
    return tf.concat<Tensor2D>([all, tf.sqrt(square), square], 1);
  });
