/** Distances in the public embedding table, computed in blocks by TensorFlow, with a bound on their error. */
import { tf, type Tensor2D } from '../tensorflow.ts';
import { atOnce, type Work } from '../turns.ts';
import { productsOf, productTensor } from './products.ts';

/** The public input embeddings phi, between which distances are measured. */
export interface EmbeddingTable {
  /** [rows, dimensions], row-major. */
  readonly values: Float32Array;
  readonly rows: number;
  readonly dimensions: number;
  readonly sha256: string;
}

/** Unit roundoff of single precision. */
const UNIT = 2 ** -24;
/** The rows of so many output tokens make one tensor. A larger vocabulary is cut into tensors of TILE_ROWS rows. A
 *  product with a batch of queries then takes hundredths of a second, and its result some ten megabytes. */
const MOST_WHOLE = 2 ** 16;
const TILE_ROWS = 2 ** 15;

/** Whether a vocabulary of this size is large: passes over it are cut up, and their results are worth keeping. */
export const isLarge = (outputs: number): boolean => outputs > MOST_WHOLE;

interface Tile {
  /** The position of its first row among the output ids. */
  readonly start: number;
  readonly rows: Tensor2D;
}

const rowSquares = new WeakMap<EmbeddingTable, Float64Array>();

/** The norms of so many rows are computed before others may have their turn. */
const ROWS_AT_ONCE = 4096;

/** ||phi(id)||^2 of every row in double precision, computed once for a table. Beside other work, call this before an
 *  `OutputGeometry` of a large table is made. */
export function* squaredNorms(table: EmbeddingTable): Work<Float64Array> {
  const known = rowSquares.get(table);
  if (known !== undefined) return known;
  const { values, rows, dimensions } = table;
  const squares = new Float64Array(rows);
  for (let id = 0; id < rows; id++) {
    let sum = 0;
    for (let at = id * dimensions; at < (id + 1) * dimensions; at++) sum += values[at]! * values[at]!;
    squares[id] = sum;
    if (id % ROWS_AT_ONCE === 0) yield;
  }
  rowSquares.set(table, squares);
  return squares;
}

/** ||phi(a) - phi(b)||_2 in double precision. */
export function distanceOf({ values, dimensions }: EmbeddingTable, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < dimensions; i++) sum += (values[a * dimensions + i]! - values[b * dimensions + i]!) ** 2;
  return Math.sqrt(sum);
}

/** The embeddings of the output tokens, on the device from their first use on. Free with `dispose`. */
export class OutputGeometry {
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  /** Squared norms of the output rows, in double precision. */
  readonly squaredNorms: Float64Array;
  /** Norms of the output rows, in double precision. */
  readonly norms: Float64Array;
  /** Largest norm of an output row, and of any row. */
  readonly mostNorm: number;
  readonly mostInputNorm: number;
  /** How many outputs, over all queries, double precision chose the nearest ones from. */
  rivals = 0;
  readonly #inputSquares: Float64Array;
  #tiles: Tile[] = [];
  /** The position of each id; -1 for a token that is not an output. */
  readonly #positions: Int32Array;

  constructor(table: EmbeddingTable, outputIds: Int32Array) {
    this.table = table;
    this.outputIds = outputIds;
    this.#inputSquares = atOnce(squaredNorms(table));
    this.squaredNorms = new Float64Array(outputIds.length);
    this.#positions = new Int32Array(table.rows).fill(-1);
    outputIds.forEach((id, position) => {
      this.squaredNorms[position] = this.squaredNorm(id);
      this.#positions[id] = position;
    });
    this.norms = this.squaredNorms.map(Math.sqrt);
    this.mostNorm = largest(this.norms);
    this.mostInputNorm = Math.sqrt(largest(this.#inputSquares));
  }

  /** The position of an id among the output ids; null when it is never answered. */
  position(id: number): number | null {
    const position = this.#positions[id] ?? -1;
    return position < 0 ? null : position;
  }

  /** ||phi(id)||^2 in double precision. */
  squaredNorm(id: number): number {
    return this.#inputSquares[id]!;
  }

  /** ||phi(id)|| in double precision. */
  norm(id: number): number {
    return Math.sqrt(this.#inputSquares[id]!);
  }

  /** ||phi(id) - phi(output)||_2 in double precision. */
  distance(id: number, output: number): number {
    return distanceOf(this.table, id, this.outputIds[output]!);
  }

  /** Bound on the error of x . y in single precision, whatever the order of summation, for rows of at most these norms:
   *  gamma_n ||x|| ||y|| with gamma_n = n u / (1 - n u) (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
   *  ed., section 3.1). */
  dotProductError(norm: number, other = this.mostNorm): number {
    const n = this.table.dimensions * UNIT;
    return (n / (1 - n)) * norm * other;
  }

  /** g: a squared distance that is computed from a product in single precision, ||x||^2 + ||y||^2 - 2 x . y, is off by
   *  at most g ||x|| ||y||. Each pair's own norms stand in it: a bound by the largest norms of the table would make
   *  one long row the measure of all. */
  get squareErrorRate(): number {
    return 2 * this.dotProductError(1, 1);
  }

  /** phi(x) . phi(y) for each given id and each output token. @returns [ids, outputs], row-major, single precision. */
  *dotProducts(ids: Int32Array): Work<Float32Array> {
    const outputs = this.outputIds.length;
    const queries = tf.tensor2d(rowsOf(this.table, ids), [ids.length, this.table.dimensions]);
    try {
      let all: Float32Array | undefined;
      for (const tile of this.#tilesInTurn()) {
        // Copying the rows takes as long as multiplying them, and at the first time the library is loaded.
        yield;
        const values = this.#productsWith(queries, tile);
        if (values.length === ids.length * outputs) return values;
        all ??= new Float32Array(ids.length * outputs);
        const width = values.length / ids.length;
        for (let row = 0; row < ids.length; row++)
          all.set(values.subarray(row * width, (row + 1) * width), row * outputs + tile.start);
        yield;
      }
      return all!;
    } finally {
      queries.dispose();
    }
  }

  /** As `dotProducts`, one tile of output tokens after the other.
   *  @param use gets the products of an id, by its place among the ids, with the outputs from position `start` on. */
  *productsByTile(ids: Int32Array, use: (row: number, products: Float32Array, start: number) => void): Work<void> {
    const queries = tf.tensor2d(rowsOf(this.table, ids), [ids.length, this.table.dimensions]);
    try {
      for (const tile of this.#tilesInTurn()) {
        yield;
        const values = this.#productsWith(queries, tile);
        yield;
        const width = values.length / ids.length;
        for (let row = 0; row < ids.length; row++) {
          use(row, values.subarray(row * width, (row + 1) * width), tile.start);
          yield;
        }
      }
    } finally {
      queries.dispose();
    }
  }

  /** q . phi(y) for each query and each output token, one tile of output tokens after the other: [count, outputs of the
   *  tile], for the outputs from position `start` on. Free each of them.
   *  @param queries [count, dimensions]. */
  *products(queries: Tensor2D): Generator<{ readonly start: number; readonly products: Tensor2D }> {
    for (const { start, rows } of this.#tilesInTurn()) yield { start, products: productTensor(queries, rows) };
  }

  /** phi(id) . vector. */
  dotProduct(id: number, vector: ArrayLike<number>): number {
    const { values, dimensions } = this.table;
    let sum = 0;
    for (let i = 0; i < dimensions; i++) sum += values[id * dimensions + i]! * vector[i]!;
    return sum;
  }

  /** The output token nearest to each query; of equally near tokens the one with the smallest id. It is searched in
   *  single precision. If other tokens are within the error of that, double precision decides among them.
   *  @param queries [count, dimensions], row-major. @returns positions among the output ids. */
  *nearest(queries: Float64Array): Work<Int32Array> {
    const { dimensions } = this.table;
    const count = queries.length / dimensions;
    const queryOf = (row: number): Float64Array => queries.subarray(row * dimensions, (row + 1) * dimensions);
    const searches = Array.from({ length: count }, (_, row) => {
      const norm = Math.sqrt(queryOf(row).reduce((sum, value) => sum + value * value, 0));
      // The score of an output of norm n is off by the error of the product, and by the rounding of query and half
      // square; twice that.
      return new NearestSearch(this, 2 * (this.dotProductError(norm, 1) + 2 * UNIT * norm), 2 * UNIT);
    });
    const single = tf.tensor2d(Float32Array.from(queries), [count, dimensions]);
    try {
      for (const tile of this.#tilesInTurn()) {
        const products = this.#productsWith(single, tile);
        const width = products.length / count;
        searches.forEach((search, row) => search.look(products.subarray(row * width, (row + 1) * width), tile.start));
        yield;
      }
    } finally {
      single.dispose();
    }
    return Int32Array.from(searches, (search, row) => {
      const rivals = search.rivals();
      this.rivals += rivals.length;
      return rivals.reduce((best, other) => (this.#isNearer(other, best, queryOf(row)) ? other : best));
    });
  }

  dispose(): void {
    for (const { rows } of this.#tiles) rows.dispose();
    this.#tiles = [];
  }

  /** Makes each tile when it is first asked for, since it takes long to copy a large table in one go. */
  *#tilesInTurn(): Generator<Tile> {
    const outputs = this.outputIds.length;
    const size = isLarge(outputs) ? TILE_ROWS : outputs;
    for (let index = 0; index * size < outputs; index++) {
      const start = index * size;
      const ids = this.outputIds.subarray(start, start + size);
      yield (this.#tiles[index] ??= {
        start,
        rows: tf.tensor2d(rowsOf(this.table, ids), [ids.length, this.table.dimensions]),
      });
    }
  }

  /** [queries, rows of the tile] */
  #productsWith(queries: Tensor2D, { rows }: Tile): Float32Array {
    return productsOf(queries, rows);
  }

  /** Whether a query is strictly nearer to output a than to output b: ||q - a||^2 - ||q - b||^2 = (a - b) . (a + b - 2
   *  q) is negative. As a product of differences it errs only for queries within (d + 5) u (||q|| + mostNorm) of the
   *  bisector, u = 2^-53, however close a and b are; a difference of two squares would err within that times (||q|| +
   *  mostNorm) / ||a - b||. */
  #isNearer(a: number, b: number, query: Float64Array): boolean {
    const { values, dimensions } = this.table;
    const [baseA, baseB] = [this.outputIds[a]! * dimensions, this.outputIds[b]! * dimensions];
    let sum = 0;
    for (let i = 0; i < dimensions; i++) {
      const [ofA, ofB] = [values[baseA + i]!, values[baseB + i]!];
      sum += (ofA - ofB) * (ofA + ofB - 2 * query[i]!);
    }
    return sum < 0;
  }
}

/** Searches the outputs w whose score may be the smallest. The score is ||w - q||^2 / 2, without the part that is the
 *  same for all w. The computed score of an output of norm n is off by at most linear n + quadratic n^2. So an output
 *  may be the nearest if its least possible score is no more than the largest possible score of every other output. */
class NearestSearch {
  readonly #norms: Float64Array;
  readonly #squares: Float64Array;
  readonly #linear: number;
  readonly #quadratic: number;
  /** At least as large as the smallest score of all outputs that were seen. */
  #limit = Infinity;
  /** The positions that might have been the nearest when they were seen, and the least possible score of each. */
  readonly #positions: number[] = [];
  readonly #least: number[] = [];

  constructor(outputs: Pick<OutputGeometry, 'norms' | 'squaredNorms'>, linear: number, quadratic: number) {
    this.#norms = outputs.norms;
    this.#squares = outputs.squaredNorms;
    this.#linear = linear;
    this.#quadratic = quadratic;
  }

  // A plain loop over all outputs.
  look(products: Float32Array, start: number): void {
    const [norms, squares, linear, half] = [this.#norms, this.#squares, this.#linear, 0.5 - this.#quadratic];
    let limit = this.#limit;
    for (let at = 0; at < products.length; at++) {
      const output = start + at;
      const least = squares[output]! * half - linear * norms[output]! - products[at]!;
      if (least > limit) continue;
      this.#positions.push(output);
      this.#least.push(least);
      const most = least + 2 * (linear * norms[output]! + this.#quadratic * squares[output]!);
      if (most < limit) limit = most;
    }
    this.#limit = limit;
  }

  /** The positions that may be the nearest, ascending. */
  rivals(): number[] {
    return this.#positions.filter((_, at) => this.#least[at]! <= this.#limit);
  }
}

/** [ids, dimensions], row-major. */
export function rowsOf({ values, dimensions }: EmbeddingTable, ids: Int32Array): Float32Array {
  const rows = new Float32Array(ids.length * dimensions);
  for (const [place, id] of ids.entries())
    rows.set(values.subarray(id * dimensions, (id + 1) * dimensions), place * dimensions);
  return rows;
}

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, value), 0);
