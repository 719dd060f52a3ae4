/** The rows of a public table on the device, cut into tiles when there are many. An attack scores some outputs against
 *  one tile of inputs after the other, so that what it holds at a time does not grow with the vocabulary. A table of
 *  usual size is one tile. */
import { isLarge, rowsOf, type EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';

/** The scores of 128 outputs against so many rows take 8 MiB. */
const TILE_ROWS = 2 ** 14;

export interface Tile {
  readonly index: number;
  /** Its rows are those from `start` to just before `end`. */
  readonly start: number;
  readonly end: number;
  /** [end - start, dimensions] */
  readonly rows: Tensor2D;
  /** Squared norms of the rows. */
  readonly squares: Tensor1D;
}

/** Free with `dispose`. */
export class TableTiles {
  readonly table: EmbeddingTable;
  /** How many rows all tiles have. */
  readonly rows: number;
  readonly #ids: Int32Array | null;
  readonly #tileRows: number;
  readonly #tiles: Tile[] = [];

  /** @param ids which rows; default: all rows of the table.
   *  @param tileRows default: all rows, or few of a large table. */
  constructor(
    table: EmbeddingTable,
    { ids = null, tileRows }: { readonly ids?: Int32Array | null; readonly tileRows?: number | undefined } = {},
  ) {
    this.table = table;
    this.rows = ids?.length ?? table.rows;
    this.#ids = ids;
    this.#tileRows = tileRows ?? (isLarge(this.rows) ? TILE_ROWS : this.rows);
  }

  get count(): number {
    return Math.ceil(this.rows / this.#tileRows);
  }

  /** Makes each tile when it is asked for first. */
  *inTurn(): Generator<Tile> {
    for (let index = 0; index < this.count; index++) yield (this.#tiles[index] ??= this.#make(index));
  }

  dispose(): void {
    for (const { rows, squares } of this.#tiles.splice(0)) {
      rows.dispose();
      squares.dispose();
    }
  }

  #make(index: number): Tile {
    const { values, dimensions } = this.table;
    const start = index * this.#tileRows;
    const end = Math.min(this.rows, start + this.#tileRows);
    const own =
      this.#ids === null
        ? values.subarray(start * dimensions, end * dimensions)
        : rowsOf(this.table, this.#ids.subarray(start, end));
    const rows = tf.tensor2d(own, [end - start, dimensions]);
    return { index, start, end, rows, squares: tidy(() => tf.sum<Tensor1D>(tf.square(rows), 1)) };
  }
}

/** Some rows of a table. [ids, dimensions] */
export const rowTensor = (table: EmbeddingTable, ids: Int32Array): Tensor2D =>
  tf.tensor2d(rowsOf(table, ids), [ids.length, table.dimensions]);

/** The distances between the rows of a [rows, d] and of b [columns, d]: [rows, columns].
 *  @param squaresOfB squared norms of the rows of b. */
export const distances = (a: Tensor2D, b: Tensor2D, squaresOfB: Tensor1D): Tensor2D =>
  tidy(() =>
    tf.sqrt(
      tf.relu(tf.add(tf.add(tf.sum(tf.square(a), 1, true), tf.matMul(tf.mul(a, -2), b, false, true)), squaresOfB)),
    ),
  );
