/** Distances in the public embedding table, in blocks on TensorFlow, with a bound on their error. */
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';

/** The public input embeddings phi: what distances are measured in. */
export interface EmbeddingTable {
  /** [rows, dimensions], row-major. */
  readonly values: Float32Array;
  readonly rows: number;
  readonly dimensions: number;
  readonly sha256: string;
}

/** Unit roundoff of single precision. */
const UNIT = 2 ** -24;

/** The output tokens' embeddings on the device. Free with `dispose`. */
export class OutputGeometry {
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  /** Squared norms of the output rows, in double precision. */
  readonly squaredNorms: Float64Array;
  /** Largest norm of an output row. */
  readonly mostNorm: number;
  readonly #rows: Tensor2D;
  readonly #halfSquares: Tensor1D;
  readonly #positions: ReadonlyMap<number, number>;

  constructor(table: EmbeddingTable, outputIds: Int32Array) {
    // Matrix products of 10-bit mantissas, cuBLAS's default on recent GPUs, are outside of every bound below.
    process.env['NVIDIA_TF32_OVERRIDE'] = '0';
    this.table = table;
    this.outputIds = outputIds;
    this.squaredNorms = Float64Array.from(outputIds, (id) => this.squaredNorm(id));
    this.mostNorm = Math.sqrt(this.squaredNorms.reduce((most, square) => Math.max(most, square), 0));
    this.#positions = new Map(Array.from(outputIds, (id, position) => [id, position]));
    this.#rows = tf.tensor2d(this.#gather(outputIds), [outputIds.length, table.dimensions]);
    this.#halfSquares = tf.tensor1d(Float32Array.from(this.squaredNorms, (square) => square / 2));
  }

  /** Place of an id among the output ids; null when it is never answered. */
  position(id: number): number | null {
    return this.#positions.get(id) ?? null;
  }

  /** ||phi(id)||^2 in double precision. */
  squaredNorm(id: number): number {
    const { values, dimensions } = this.table;
    let sum = 0;
    for (let at = id * dimensions; at < (id + 1) * dimensions; at++) sum += values[at]! * values[at]!;
    return sum;
  }

  /** ||phi(id) - phi(output)||_2 in double precision. */
  distance(id: number, output: number): number {
    const { values, dimensions } = this.table;
    const a = id * dimensions;
    const b = this.outputIds[output]! * dimensions;
    let sum = 0;
    for (let i = 0; i < dimensions; i++) sum += (values[a + i]! - values[b + i]!) ** 2;
    return Math.sqrt(sum);
  }

  /** Bound on the error of phi(x) . phi(y) in single precision, whatever the order of summation, for a table row x of at most this norm:
   *  gamma_n ||x|| ||y|| with gamma_n = n u / (1 - n u) (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1). */
  dotProductError(norm: number): number {
    const n = this.table.dimensions * UNIT;
    return (n / (1 - n)) * norm * this.mostNorm;
  }

  /** phi(x) . phi(y) for each given id and each output token. @returns [ids, outputs], row-major, single precision. */
  dotProducts(ids: Int32Array): Float32Array {
    const product = tidy(() => this.products(tf.tensor2d(this.#gather(ids), [ids.length, this.table.dimensions])));
    try {
      return product.dataSync<'float32'>();
    } finally {
      product.dispose();
    }
  }

  /** q . phi(y) for each query and each output token. @param queries [count, dimensions]. @returns [count, outputs]. */
  products(queries: Tensor2D): Tensor2D {
    return tf.matMul(queries, this.#rows, false, true);
  }

  /** phi(id) . vector. */
  dotProduct(id: number, vector: ArrayLike<number>): number {
    const { values, dimensions } = this.table;
    let sum = 0;
    for (let i = 0; i < dimensions; i++) sum += values[id * dimensions + i]! * vector[i]!;
    return sum;
  }

  /** The output token nearest to each query, the smallest id of equally near ones. Found in single precision; wherever another token is
   *  within that precision's error, decided among those in double precision.
   *  @param queries [count, dimensions], row-major. @returns positions among the output ids. */
  nearest(queries: Float64Array): Int32Array {
    const { dimensions } = this.table;
    const count = queries.length / dimensions;
    const single = Float32Array.from(queries);
    const norms = Float64Array.from({ length: count }, (_, row) => Math.hypot(...queries.subarray(row * dimensions, (row + 1) * dimensions)));
    // Two scores are each off by the error of the product, by the rounding of query and half square, and by that of their difference; twice that.
    const slack = norms.map((norm) => 4 * (this.dotProductError(norm) + UNIT * (this.mostNorm ** 2 + 2 * norm * this.mostNorm)));
    // ||w - q||^2 / 2 without the part that is the same for all w.
    const [best, rivals, scores] = tidy((): readonly [Tensor1D, Tensor1D, Tensor2D] => {
      const score: Tensor2D = tf.sub(this.#halfSquares, this.products(tf.tensor2d(single, [count, dimensions])));
      const limit = tf.add(tf.min(score, 1, true), tf.tensor2d(Float32Array.from(slack), [count, 1]));
      return [tf.argMin(score, 1), tf.sum(tf.cast(tf.lessEqual(score, limit), 'int32'), 1), score];
    });
    try {
      const answer = Int32Array.from(best.dataSync());
      const within = rivals.dataSync();
      for (let row = 0; row < count; row++)
        if (within[row]! > 1) answer[row] = this.#nearestExactly(scores, row, slack[row]!, queries.subarray(row * dimensions, (row + 1) * dimensions));
      return answer;
    } finally {
      for (const tensor of [best, rivals, scores]) tensor.dispose();
    }
  }

  dispose(): void {
    this.#rows.dispose();
    this.#halfSquares.dispose();
  }

  #nearestExactly(scores: Tensor2D, row: number, slack: number, query: Float64Array): number {
    const line = tidy(() => tf.slice(scores, [row, 0], [1, this.outputIds.length]));
    const values = line.dataSync();
    line.dispose();
    let least = Infinity;
    for (const value of values) least = Math.min(least, value);
    let best = -1;
    for (let output = 0; output < values.length; output++) {
      if (values[output]! > least + slack) continue;
      if (best === -1 || this.#isNearer(output, best, query)) best = output;
    }
    return best;
  }

  /** Whether a query is strictly nearer to output a than to output b: ||q - a||^2 - ||q - b||^2 = (a - b) . (a + b - 2 q) is negative. As a product of
   *  differences it errs only for queries within (d + 5) u (||q|| + mostNorm) of the bisector, u = 2^-53, however close a and b are; a difference of
   *  two squares would err within that times (||q|| + mostNorm) / ||a - b||. */
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

  #gather(ids: Int32Array): Float32Array {
    const { values, dimensions } = this.table;
    const rows = new Float32Array(ids.length * dimensions);
    for (const [place, id] of ids.entries()) rows.set(values.subarray(id * dimensions, (id + 1) * dimensions), place * dimensions);
    return rows;
  }
}
