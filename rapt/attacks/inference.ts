/** Guessing tokens one by one: by nearness, and by Bayes' rule. */
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import type { Channel } from '../channel/index.ts';
import { distances, rowTensor, type TableTiles, type Tile } from '../channel/index.ts';

/** So many outputs are scored together. */
const BLOCK = 128;

/** The best guesses for each released token, the best first. */
export type Guesses = ReadonlyMap<number, Int32Array>;

/** Embedding inversion: the tokens nearest to phi(y), y itself first.
 *  @param ys distinct.
 *  @throws the reason of the turns' signal, when it is aborted. */
export function nearestGuesses(
  { tiles }: Channel,
  ys: Int32Array,
  count: number,
  turns = new Turns(),
): Promise<Guesses> {
  return bestOf(
    ys,
    count,
    tiles,
    (block, tile) => tf.neg(distances(rowTensor(tiles.table, block), tile.rows, tile.squares)),
    turns,
  );
}

/** The Bayesian adversary: the tokens of largest P(y|x) P(x). Nobody can do better with one token and this prior. */
export async function bayesianGuesses(
  channel: Channel,
  prior: Float64Array,
  ys: Int32Array,
  count: number,
  turns = new Turns(),
): Promise<Guesses> {
  const logPrior = tf.tensor1d(Float32Array.from(prior, (p) => Math.log(Math.max(p, 1e-30))));
  try {
    return await bestOf(
      ys,
      count,
      channel.tiles,
      (block, tile) => tf.add<Tensor2D>(channel.logLikelihood(block, tile), partOf(logPrior, tile)),
      turns,
    );
  } finally {
    logPrior.dispose();
  }
}

/** The part of a tensor with one value for each row that belongs to the rows of a tile. */
export const partOf = (values: Tensor1D, { start, end }: Tile): Tensor1D => tf.slice(values, start, end - start);

/** The inputs of largest score for each output. If scores are equal, the smaller id comes first, in whatever tiles the
 *  rows lie.
 *  @param scores the scores of every input of a tile for a block of outputs, [block, rows of the tile]. */
export async function bestOf(
  ys: Int32Array,
  count: number,
  tiles: TableTiles,
  scores: (block: Int32Array, tile: Tile) => Tensor2D,
  turns: Turns,
): Promise<Guesses> {
  const guesses = new Map<number, Int32Array>();
  for (let at = 0; at < ys.length; at += BLOCK) {
    const block = ys.slice(at, at + BLOCK);
    const best = await bestOfTiles(block, count, tiles, scores, turns);
    block.forEach((y, row) => guesses.set(y, best.slice(row * count, (row + 1) * count)));
  }
  return guesses;
}

/** The same for one block: [block, count], row-major. */
async function bestOfTiles(
  block: Int32Array,
  count: number,
  tiles: TableTiles,
  scores: (block: Int32Array, tile: Tile) => Tensor2D,
  turns: Turns,
): Promise<Int32Array> {
  const parts: Tensor2D[] = [];
  const ids: { readonly start: number; readonly width: number; readonly places: Int32Array }[] = [];
  try {
    for (const tile of tiles.inTurn()) {
      const width = Math.min(count, tile.end - tile.start);
      const { values, indices } = tidy(() => tf.topk(scores(block, tile), width));
      parts.push(values);
      ids.push({ start: tile.start, width, places: indices.dataSync<'int32'>() });
      indices.dispose();
      await turns.next();
    }
    if (parts.length === 1) return ids[0]!.places;
    // Earlier tiles stand first, and `topk` takes the first of equal values.
    const chosen = tidy(() => tf.topk(tf.concat(parts, 1), count).indices);
    const places = chosen.dataSync<'int32'>();
    chosen.dispose();
    const [{ width: usual }] = ids as [(typeof ids)[number]];
    return places.map((place, at) => {
      const { start, width, places: ofTile } = ids[Math.floor(place / usual)]!;
      return start + ofTile[Math.floor(at / count) * width + (place % usual)]!;
    });
  } finally {
    for (const part of parts) part.dispose();
  }
}
