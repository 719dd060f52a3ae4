/** Sums over all pairs of a table's tokens: W(x) of the exponential mechanism for every token x, and how near the
 *  nearest other token is. The weight of a pair depends on its distance, which is the same either way round. So half of
 *  the pairs are enough, and each counts for both of its tokens. */
import { join } from 'node:path';
import { keepNumbers, keptNumbers } from '../cache.ts';
import { loadingTensorflow, tf, type Tensor2D } from '../tensorflow.ts';
import { inTurns, type Turns } from '../turns.ts';
import { distanceOf, OutputGeometry, rowsOf, squaredNorms, type EmbeddingTable } from './geometry.ts';
import { productsOf } from './products.ts';
import { LEVELS, levelWeights, type LevelWeights } from './level-weights.ts';

/** Pairs are taken in tiles of so many rows and columns, which take hundredths of a second, and 16 MiB. */
const TILE_ROWS = 512;
const TILE_COLUMNS = 8192;
/** The sums are kept so often, and when the work is given up. A pass over 250,000 tokens takes minutes, and after a
 *  kill the next attempt goes on from what was kept. */
const KEPT_EVERY_MS = 10_000;

export interface TableTotals {
  /** log W(x) of the weights that are drawn from. [rows] */
  readonly logTotals: Float64Array;
  /** The logarithm of the weight at distance 0. In the formula that weight is 1. */
  readonly logPeak: number;
  /** A distance for each token: no other token is nearer. [rows] */
  readonly nearest: Float64Array;
}

export interface TotalsOptions {
  readonly turns: Turns;
  /** Is called now and then with the share that is done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The totals of a table. They are public, and kept in the cache, even when they are half done. */
export async function tableTotals(
  eta: number,
  table: EmbeddingTable,
  outputIds: Int32Array,
  options: TotalsOptions,
): Promise<TableTotals> {
  const name = join('totals', `${table.sha256}-${outputIds.length}-${eta}-${TILE_ROWS}x${TILE_COLUMNS}.f64`);
  const sums = PairSums.from(table.rows, keptNumbers(name, 1 + 2 * table.rows, Float64Array));
  return computeTotals(eta, table, outputIds, { ...options, sums, keep: () => keepNumbers(name, sums.numbers) });
}

/** As `tableTotals`, without the cache.
 *  @param sums what was done before; default: nothing. @param keep is called to keep the sums. */
export async function computeTotals(
  eta: number,
  table: EmbeddingTable,
  outputIds: Int32Array,
  {
    turns,
    onProgress,
    sums = PairSums.from(table.rows, null),
    keep = () => undefined,
  }: TotalsOptions & { readonly sums?: PairSums; readonly keep?: () => void },
): Promise<TableTotals> {
  await inTurns(loadingTensorflow());
  await inTurns(squaredNorms(table));
  const geometry = new OutputGeometry(table, outputIds);
  const weights = levelWeights(eta, geometry);
  const { order, tiles } = planOf(table.rows, outputIds);
  let columns = null as { readonly of: number; readonly tensor: Tensor2D } | null;
  let keptAt = performance.now();
  try {
    for (let index = sums.tilesDone; index < tiles.length; index++) {
      const tile = tiles[index]!;
      if (columns?.of !== tile.columns.start) {
        columns?.tensor.dispose();
        columns = {
          of: tile.columns.start,
          tensor: tensorOf(table, order.subarray(tile.columns.start, tile.columns.end)),
        };
      }
      const rows = tensorOf(table, order.subarray(tile.rows.start, tile.rows.end));
      try {
        sums.add(tile, order, geometry, weights, productsOf(rows, columns.tensor));
      } finally {
        rows.dispose();
      }
      sums.tilesDone = index + 1;
      if (performance.now() - keptAt > KEPT_EVERY_MS || index + 1 === tiles.length) {
        keep();
        keptAt = performance.now();
        onProgress?.((index + 1) / tiles.length);
      }
      await turns.next();
    }
  } catch (error) {
    keep();
    throw error;
  } finally {
    columns?.tensor.dispose();
    geometry.dispose();
  }
  return sums.finish(geometry, weights);
}

interface Range {
  readonly start: number;
  readonly end: number;
  /** Whether its tokens are outputs. Either all of them are, or none. */
  readonly outputs: boolean;
}

/** Pairs of one token of `rows` and a later one of `columns`, both ranges of `order`. */
interface Tile {
  readonly rows: Range;
  readonly columns: Range;
}

/** The order of the tokens, and the tiles of their pairs. Outputs come first in the order, so that a tile need not ask
 *  of each token whether it is an output. */
function planOf(rows: number, outputIds: Int32Array): { order: Int32Array; tiles: Tile[] } {
  const isOutput = new Uint8Array(rows);
  for (const id of outputIds) isOutput[id] = 1;
  const others = Int32Array.from({ length: rows }, (_, id) => id).filter((id) => isOutput[id] === 0);
  const order = new Int32Array(rows);
  order.set(outputIds);
  order.set(others, outputIds.length);
  const rangesOf = (start: number, end: number, size: number, outputs: boolean): Range[] =>
    Array.from({ length: Math.ceil((end - start) / size) }, (_, index) => ({
      start: start + index * size,
      end: Math.min(end, start + (index + 1) * size),
      outputs,
    }));
  const columns = [
    ...rangesOf(0, outputIds.length, TILE_COLUMNS, true),
    ...rangesOf(outputIds.length, rows, TILE_COLUMNS, false),
  ];
  const rowsOfColumns = columns.flatMap(({ start, end, outputs }) => rangesOf(start, end, TILE_ROWS, outputs));
  return {
    order,
    tiles: columns.flatMap((range) =>
      rowsOfColumns.filter(({ start }) => start < range.end).map((of) => ({ rows: of, columns: range })),
    ),
  };
}

const tensorOf = (table: EmbeddingTable, ids: Int32Array): Tensor2D =>
  tf.tensor2d(rowsOf(table, ids), [ids.length, table.dimensions]);

/** The sums and the least distances so far, for each token by its place in the order. */
export class PairSums {
  /** The numbers as they are kept: how many tiles are done, then W of each token, then its least squared distance. */
  readonly numbers: Float64Array;
  /** How many pairs were computed in double precision. */
  recomputed = 0;
  readonly #totals: Float64Array;
  readonly #leastSquares: Float64Array;

  private constructor(numbers: Float64Array) {
    this.numbers = numbers;
    const rows = (numbers.length - 1) / 2;
    this.#totals = numbers.subarray(1, 1 + rows);
    this.#leastSquares = numbers.subarray(1 + rows);
  }

  static from(rows: number, kept: Float64Array | null): PairSums {
    const sums = new PairSums(kept ?? new Float64Array(1 + 2 * rows));
    if (kept === null) sums.#leastSquares.fill(Infinity);
    return sums;
  }

  get tilesDone(): number {
    return this.numbers[0]!;
  }

  set tilesDone(count: number) {
    this.numbers[0] = count;
  }

  // Plain loops: thirty thousand million pairs for a table of 250,000 tokens.
  add(
    { rows, columns }: Tile,
    order: Int32Array,
    geometry: OutputGeometry,
    levels: LevelWeights,
    products: Float32Array,
  ): void {
    const { table } = geometry;
    const { weights, step, nearQuadratic: quadratic, nearLinear: linear } = levels;
    const width = columns.end - columns.start;
    const squares = Float64Array.from(order.subarray(columns.start, columns.end), (id) => geometry.squaredNorm(id));
    const norms = squares.map(Math.sqrt);
    const ofColumns = new Float64Array(width);
    const leastOfColumns = this.#leastSquares.subarray(columns.start, columns.end);
    const scale = 1 / step;
    const last = LEVELS - 1;
    for (let row = rows.start; row < rows.end; row++) {
      const id = order[row]!;
      const own = geometry.squaredNorm(id);
      const ownNorm = Math.sqrt(own);
      const base = (row - rows.start) * width;
      let sum = 0;
      let least = this.#leastSquares[row]!;
      for (let at = Math.max(0, row + 1 - columns.start); at < width; at++) {
        let square = own + squares[at]! - 2 * products[base + at]!;
        const t = ownNorm * norms[at]!;
        if (square <= t * (quadratic * t + linear)) {
          square = distanceOf(table, id, order[columns.start + at]!) ** 2;
          this.recomputed++;
        }
        const scaled = Math.sqrt(square) * scale + 0.5;
        const weight = weights[scaled < last ? scaled | 0 : last]!;
        sum += weight;
        ofColumns[at]! += weight;
        if (square < least) least = square;
        if (square < leastOfColumns[at]!) leastOfColumns[at] = square;
      }
      if (columns.outputs) this.#totals[row]! += sum;
      this.#leastSquares[row] = least;
    }
    if (rows.outputs) for (let at = 0; at < width; at++) this.#totals[columns.start + at]! += ofColumns[at]!;
  }

  finish(geometry: OutputGeometry, { weights }: LevelWeights): TableTotals {
    const { table, outputIds, squareErrorRate } = geometry;
    const { order } = planOf(table.rows, outputIds);
    const logTotals = new Float64Array(table.rows);
    const nearest = new Float64Array(table.rows);
    for (const [place, id] of order.entries()) {
      // No pair holds a token's distance to itself.
      logTotals[id] = Math.log(this.#totals[place]! + (place < outputIds.length ? weights[0]! : 0));
      nearest[id] = leastDistance(this.#leastSquares[place]!, geometry.norm(id), squareErrorRate);
    }
    return { logTotals, logPeak: Math.log(weights[0]!), nearest };
  }
}

/** A lower bound of d = ||x - y|| for every y, when no computed squared distance from x is below s. A computed square
 *  is off by at most g ||x|| ||y||, and ||y|| <= ||x|| + d. So s <= d^2 + g ||x|| (||x|| + d), and d is no less than
 *  the positive root of this as an equation. */
function leastDistance(s: number, norm: number, g: number): number {
  const linear = g * norm;
  return (Math.sqrt(linear * linear + 4 * Math.max(0, s - linear * norm)) - linear) / 2;
}
