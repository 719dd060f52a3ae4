/** The mechanism as the adversary knows it: log P(y|x) for every input x of the public table. */
import { join } from 'node:path';
import type { EmbeddingTable } from '../privacy/index.ts';
import { createMechanismInTurns, distanceOf, isLarge, seededRandom, tableTotals } from '../privacy/index.ts';
import { cachedNumbers } from '../cache.ts';
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import { drawFrom } from './sample.ts';
import { distances, rowTensor, TableTiles, type Tile } from './tiles.ts';

/** The distances from so many inputs to all outputs lie in one tensor. For 30,000 outputs it has 8 MiB, a size that the
 *  allocator gives out again. */
const BLOCK = 64;
/** A laplace channel is fitted to so many pairs. */
const FITTED_PAIRS = 2048;
/** So many of the distances that a channel is fitted by lie in one tensor: 4 MiB, as above. */
const STRIPE_NUMBERS = 2 ** 20;
/** The same for a large table. Each tensor takes a pass over its rows, so there are fewer and larger ones; a step over
 *  one takes tenths of a second. */
const LARGE_STRIPE_NUMBERS = 2 ** 24;
/** Each step of a golden-section search keeps this part of the bracket. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

export interface ChannelOptions {
  readonly mechanism: 'exponential' | 'laplace';
  readonly eta: number;
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  /** Which inputs are expected. A laplace channel is fitted to draws from it. */
  readonly prior: Float64Array;
  /** log W of every input at a rate. Default: computed in a pass over all pairs of tokens. These sums are public, and
   *  kept in the cache. */
  readonly logTotals?: ((rate: number) => ArrayLike<number>) | undefined;
  /** How many rows of the table are looked at together. Default: all rows, or few of a large table. */
  readonly tileRows?: number | undefined;
  /** Gives others their turns while the channel is made. */
  readonly turns?: Turns | undefined;
}

/** log P(y|x) = -rate * ||phi(x) - phi(y)|| - log W(x), where W(x) is the sum over all outputs. Free with `dispose`.
 *
 *  exponential: rate = eta / 2. This is the mechanism itself, up to its rounding.
 *
 *  laplace: P(y|x) is the mass of the noise in the Voronoi cell of phi(y), for which no closed form is known. The
 *  adversary takes a channel of the form above instead. They fit its rate, by maximum likelihood, to pairs that they
 *  draw themselves, since the mechanism is public. What they get with it is a lower bound of what the true P(y|x) would
 *  give. */
export class Channel {
  /** In 1 / distance. */
  readonly rate: number;
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  /** The rows of all inputs. */
  readonly tiles: TableTiles;
  readonly #logTotals: Float32Array;
  /** log W of the inputs of each tile, on the device. */
  readonly #tileTotals: Tensor1D[] = [];

  private constructor(rate: number, tiles: TableTiles, outputIds: Int32Array, logTotals: Float32Array) {
    this.rate = rate;
    this.table = tiles.table;
    this.outputIds = outputIds;
    this.tiles = tiles;
    this.#logTotals = logTotals;
  }

  /** @throws the reason of the turns' signal, when it is aborted. */
  static async create({
    mechanism,
    eta,
    table,
    outputIds,
    prior,
    logTotals,
    tileRows,
    turns = new Turns(),
  }: ChannelOptions): Promise<Channel> {
    const rate = mechanism === 'exponential' ? eta / 2 : await fittedRate(eta, table, outputIds, prior, turns);
    const totals =
      logTotals === undefined ? await summedTotals(rate, table, outputIds, turns) : Float32Array.from(logTotals(rate));
    return new Channel(rate, new TableTiles(table, { tileRows }), outputIds, totals);
  }

  /** log P(y|x) for the given outputs and every input of a tile: [ys, rows of the tile]. */
  logLikelihood(ys: Int32Array, tile: Tile): Tensor2D {
    // Kept, so that it outlives a `tidy` around this call.
    const totals = (this.#tileTotals[tile.index] ??= tf.keep(
      tf.tensor1d(this.#logTotals.subarray(tile.start, tile.end)),
    ));
    return tidy(() =>
      tf.sub(tf.mul(distances(rowTensor(this.table, ys), tile.rows, tile.squares), -this.rate), totals),
    );
  }

  /** log P(y|x) of one pair. */
  logLikelihoodOf(y: number, x: number): number {
    return -this.rate * distanceOf(this.table, x, y) - this.#logTotals[x]!;
  }

  /** P(y|x) for some inputs and every output, in the order of the output ids: [xs, outputs], row-major. */
  async outputs(xs: Int32Array, turns: Turns): Promise<Float32Array> {
    const { rows } = this.table;
    const all = new Float32Array(xs.length * rows);
    for (const tile of this.tiles.inTurn()) {
      const part = tidy(() => {
        const totals = tf.tensor2d(
          Float32Array.from(xs, (x) => this.#logTotals[x]!),
          [xs.length, 1],
        );
        return tf.exp(
          tf.sub(tf.mul(distances(rowTensor(this.table, xs), tile.rows, tile.squares), -this.rate), totals),
        );
      });
      const values = part.dataSync<'float32'>();
      part.dispose();
      const width = tile.end - tile.start;
      for (let row = 0; row < xs.length; row++)
        all.set(values.subarray(row * width, (row + 1) * width), row * rows + tile.start);
      await turns.next();
    }
    const outputs = this.outputIds.length;
    const chosen = new Float32Array(xs.length * outputs);
    for (let row = 0; row < xs.length; row++)
      for (let place = 0; place < outputs; place++)
        chosen[row * outputs + place] = all[row * rows + this.outputIds[place]!]!;
    return chosen;
  }

  dispose(): void {
    this.tiles.dispose();
    for (const totals of this.#tileTotals) (totals as Tensor1D | undefined)?.dispose();
  }
}

/** log W of every input. For a large table these are the totals of the mechanism's own guarantee: they need only half
 *  of the pairs, are kept in the cache even half done, and are there already when a release was drawn. */
async function summedTotals(
  rate: number,
  table: EmbeddingTable,
  outputIds: Int32Array,
  turns: Turns,
): Promise<Float32Array> {
  if (isLarge(table.rows)) {
    const { logTotals, logPeak } = await tableTotals(2 * rate, table, outputIds, { turns });
    return Float32Array.from(logTotals, (total) => total - logPeak);
  }
  return cachedNumbers(
    join('channels', `${table.sha256}-${outputIds.length}-${rate}.f32`),
    table.rows,
    Float32Array,
    async () => {
      const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
      const outputs = tf.gather<Tensor2D>(all, tf.tensor1d(outputIds, 'int32'));
      const squares = tidy(() => tf.sum<Tensor1D>(tf.square(outputs), 1));
      try {
        const totals = new Float32Array(table.rows);
        for (let at = 0; at < table.rows; at += BLOCK) {
          const rows = Math.min(BLOCK, table.rows - at);
          const sums = tidy(() =>
            tf.logSumExp<Tensor1D>(
              tf.mul(distances(tf.slice(all, [at, 0], [rows, table.dimensions]), outputs, squares), -rate),
              1,
            ),
          );
          totals.set(sums.dataSync<'float32'>(), at);
          sums.dispose();
          await turns.next();
        }
        return totals;
      } finally {
        for (const tensor of [all, outputs, squares]) tensor.dispose();
      }
    },
  );
}

/** The distances from some of the drawn inputs to all outputs, and to the outputs that the mechanism answered. */
interface Stripe {
  /** [pairs, outputs] */
  readonly far: Tensor2D;
  /** [pairs] */
  readonly own: Tensor1D;
}

/** The rate under which pairs drawn from the mechanism are likeliest. The log-likelihood is concave in the rate, so a
 *  golden-section search finds it. */
async function fittedRate(
  eta: number,
  table: EmbeddingTable,
  outputIds: Int32Array,
  prior: Float64Array,
  turns: Turns,
): Promise<number> {
  const random = seededRandom(17);
  const inputs = drawFrom(prior, FITTED_PAIRS, random);
  const mechanism = await createMechanismInTurns({ name: 'laplace', eta, table, outputIds, random }, turns.signal);
  const places = new Map(Array.from(outputIds, (id, place) => [id, place]));
  const answers = Int32Array.from(await mechanism.privatizeInTurns(inputs, turns.signal), (id) => places.get(id)!);
  mechanism.dispose();
  const stripes: Stripe[] = [];
  try {
    const outputs = new TableTiles(table, { ids: outputIds });
    const pairs = Math.max(
      1,
      Math.floor((isLarge(outputIds.length) ? LARGE_STRIPE_NUMBERS : STRIPE_NUMBERS) / outputIds.length),
    );
    try {
      for (let at = 0; at < inputs.length; at += pairs) {
        stripes.push(await stripeOf(outputs, inputs.subarray(at, at + pairs), answers.subarray(at, at + pairs), turns));
        await turns.next();
      }
    } finally {
      outputs.dispose();
    }
    const likelihood = async (rate: number): Promise<number> => {
      let sum = 0;
      for (const { far, own } of stripes) {
        const each = tidy(() => tf.sub<Tensor1D>(tf.mul(own, -rate), tf.logSumExp(tf.mul(far, -rate), 1)));
        // In double precision: near its top the likelihood is flat.
        for (const value of each.dataSync<'float32'>()) sum += value;
        each.dispose();
        await turns.next();
      }
      return sum;
    };
    let [low, high] = [0, eta];
    let [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    let [atA, atB] = [await likelihood(a), await likelihood(b)];
    for (let step = 0; step < 24; step++) {
      // One of the two points inside stays one of the next bracket.
      if (atA < atB) {
        [low, a, atA] = [a, b, atB];
        b = low + GOLDEN * (high - low);
        atB = await likelihood(b);
      } else {
        [high, b, atB] = [b, a, atA];
        a = high - GOLDEN * (high - low);
        atA = await likelihood(a);
      }
    }
    return Number(((low + high) / 2).toPrecision(4));
  } finally {
    for (const { far, own } of stripes) [far, own].forEach((tensor) => tensor.dispose());
  }
}

async function stripeOf(outputs: TableTiles, inputs: Int32Array, answers: Int32Array, turns: Turns): Promise<Stripe> {
  const parts: Tensor2D[] = [];
  try {
    for (const tile of outputs.inTurn()) {
      parts.push(tidy(() => distances(rowTensor(outputs.table, inputs), tile.rows, tile.squares)));
      await turns.next();
    }
    const far = parts.length === 1 ? parts[0]!.clone() : tf.concat(parts, 1);
    const own = tidy(() => tf.sum<Tensor1D>(tf.mul(far, tf.oneHot(tf.tensor1d(answers, 'int32'), outputs.rows)), 1));
    return { far, own };
  } finally {
    for (const part of parts) part.dispose();
  }
}
