/** The learned inverter: a model of P(x|y). RAPT hands the provider random plain tokens and their privatized forms with
 *  every text. The model is trained on these pairs, then turned on the tokens of the texts.
 *
 *      logit(x | y) = -a ||phi(y) - phi(x)|| + u . f(x), f(x) = (phi(x), ||phi(x)||, ||phi(x)||^2)
 *
 *  It is trained by cross-entropy over the plain vocabulary. It is defined for every token of the table by its
 *  embedding, so it also guesses tokens that no pair showed. u . f stands for the -log W(x) that an adversary who knows
 *  the mechanism computes.
 *
 *  The plain tokens are drawn uniformly, but the tokens of texts are not. So log P(x) is added for texts (prior shift:
 *  P(x|y) is proportional to the uniform posterior times P(x)). A map of phi(y) by a hidden layer was tried and inverts
 *  less (39 % against 50 %): the pairs tell no more than a rate and the totals. */
import { seededRandom, uniformInteger } from '../privacy/index.ts';
import { tf, tidy, type Rank, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import { bestOf, partOf, type Guesses } from './inference.ts';
import { distances, rowTensor, type TableTiles } from '../channel/index.ts';

const BATCH = 256;
const STEPS = 400;
const LEARNING_RATE = 0.2;
/** Where a begins, in 1 / distance. */
const FIRST_RATE = 5;

export interface PlainPairs {
  /** The tokens that were drawn, and what the mechanism made of each. */
  readonly plain: Int32Array;
  readonly noisy: Int32Array;
  /** The tokens from which the plain ones were drawn. */
  readonly vocabulary: Int32Array;
}

/** A trained inverter. Free with `dispose`. */
export class LearnedInverter {
  readonly #tiles: TableTiles;
  readonly #rate: number;
  /** u . f(x) of every token. */
  readonly #bias: Tensor1D;

  private constructor(tiles: TableTiles, rate: number, bias: Tensor1D) {
    this.#tiles = tiles;
    this.#rate = rate;
    this.#bias = bias;
  }

  /** @param tiles of the whole table, which outlive the inverter.
   *  @throws the reason of the turns' signal, when it is aborted. */
  static async train(
    tiles: TableTiles,
    { plain, noisy, vocabulary }: PlainPairs,
    turns = new Turns(),
  ): Promise<LearnedInverter> {
    const { table } = tiles;
    const random = seededRandom(23);
    const places = new Map(Array.from(vocabulary, (id, place) => [id, place]));
    const candidates = rowTensor(table, vocabulary);
    const squares = tidy(() => tf.sum<Tensor1D>(tf.square(candidates), 1));
    const own = featuresOf(candidates);
    const rate = tidy(() => tf.variable(tf.scalar(FIRST_RATE)));
    const u = tidy(() => tf.variable(tf.zeros<Rank.R2>([table.dimensions + 2, 1])));
    const optimizer = tf.train.adam(LEARNING_RATE);
    try {
      for (let step = 0; step < STEPS; step++) {
        const batch = Int32Array.from({ length: BATCH }, () => uniformInteger(random, plain.length));
        optimizer.minimize(
          () => {
            const y = rowTensor(
              table,
              batch.map((at) => noisy[at]!),
            );
            const logits = tf.sub(tf.transpose(tf.matMul(own, u)), tf.mul(distances(y, candidates, squares), rate));
            return tf.losses.softmaxCrossEntropy(
              tf.oneHot(
                tf.tensor1d(
                  batch.map((at) => places.get(plain[at]!)!),
                  'int32',
                ),
                vocabulary.length,
              ),
              logits,
            );
          },
          false,
          [rate, u],
        );
        await turns.next();
      }
      const biases: Tensor1D[] = [];
      for (const { rows } of tiles.inTurn()) {
        biases.push(tidy(() => tf.reshape<Rank.R1>(tf.matMul(featuresOf(rows), u), [rows.shape[0]])));
        await turns.next();
      }
      const bias = tf.concat(biases);
      biases.forEach((part) => part.dispose());
      return new LearnedInverter(tiles, rate.dataSync()[0]!, bias);
    } finally {
      for (const tensor of [candidates, squares, own, rate, u]) tensor.dispose();
      optimizer.dispose();
    }
  }

  /** @param prior of the texts' tokens. @param ys distinct. @throws the reason of the turns' signal, when aborted. */
  async guesses(prior: Float64Array, ys: Int32Array, count: number, turns = new Turns()): Promise<Guesses> {
    const offset = tidy(() =>
      tf.add<Tensor1D>(this.#bias, tf.tensor1d(Float32Array.from(prior, (p) => Math.log(Math.max(p, 1e-30))))),
    );
    const { table } = this.#tiles;
    try {
      return await bestOf(
        ys,
        count,
        this.#tiles,
        (block, tile) =>
          tf.sub<Tensor2D>(
            partOf(offset, tile),
            tf.mul(distances(rowTensor(table, block), tile.rows, tile.squares), this.#rate),
          ),
        turns,
      );
    } finally {
      offset.dispose();
    }
  }

  dispose(): void {
    this.#bias.dispose();
  }
}

/** [tokens, dimensions + 2] */
const featuresOf = (rows: Tensor2D): Tensor2D =>
  tidy(() => {
    const square = tf.sum<Tensor2D>(tf.square(rows), 1, true);
    return tf.concat<Tensor2D>([rows, tf.sqrt(square), square], 1);
  });
