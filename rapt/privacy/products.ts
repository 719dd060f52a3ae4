/** Products of rows in single precision. The bounds of this folder count on the error of such products, and this is the
 *  only place where they are computed.
 *
 *  The bounds hold if each product of two numbers is rounded to 24 bits and nothing is rounded before. A library that
 *  keeps fewer bits of the numbers (bfloat16 has 8 bits, TF32 has 11, float16 has 11) exceeds the bounds by thousands
 *  of times, and no answer of a mechanism shows it. So before its first product a process multiplies numbers of which
 *  every sum, in whatever order, is a whole number below 2^24. Single precision gives these exactly, on every
 *  processor, with fused operations or without. Arithmetic that keeps fewer bits does not. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { tf, type Tensor2D } from '../tensorflow.ts';
import { FULL_PRECISION } from '../tensorflow-start.ts';

/** a [rows, d], b [columns, d], both row-major: a b^T in single precision, [rows, columns]. */
export type Product = (
  a: Float32Array,
  b: Float32Array,
  rows: number,
  columns: number,
  dimensions: number,
) => Float32Array;

/** Libraries choose their way of computing by the size: here a few rows, and as many as a batch of tokens has. */
const SHAPES = [
  { rows: 1, columns: 64, dimensions: 64 },
  { rows: 64, columns: 512, dimensions: 384 },
] as const;
/** Whole numbers of 24 bits, odd, so that the last bit counts. */
const WHOLE = 2 ** 24 - 1;
/** The largest terms and factors of a sum: 384 * 2047 * 15 is below 2^24. */
const MOST_TERM = 2047;
const MOST_FACTOR = 15;

let checked = false;

/** x . y for all rows x of the first and y of the second: [rows, columns]. @throws RaptError badInput as
 *  `assertSinglePrecision`, at the first call in a process. */
export function productTensor(rows: Tensor2D, columns: Tensor2D): Tensor2D {
  if (!checked) {
    assertSinglePrecision(ofTensorflow);
    checked = true;
  }
  return tf.matMul<Tensor2D>(rows, columns, false, true);
}

/** As `productTensor`, as numbers in row-major order. */
export function productsOf(rows: Tensor2D, columns: Tensor2D): Float32Array {
  const product = productTensor(rows, columns);
  try {
    return product.dataSync<'float32'>();
  } finally {
    product.dispose();
  }
}

/** Checks that products keep the bits of single precision, in both operands and in their sum.
 *  @throws RaptError badInput when they do not. */
export function assertSinglePrecision(product: Product): void {
  for (const shape of SHAPES)
    for (const [of, { a, b }] of Object.entries(probes(shape))) {
      const found = product(a, b, shape.rows, shape.columns, shape.dimensions);
      const wrong = firstWrong(found, a, b, shape);
      if (wrong !== null)
        throw new RaptError(
          ErrorKind.badInput,
          'matrix products are not computed in single precision on this machine, ' +
            'so that no statement about privacy would hold: ' +
            `${wrong.found} instead of ${wrong.expected}, by its ${of}. ` +
            `Rapt sets ${Object.keys(FULL_PRECISION).join(', ')} before it loads TensorFlow; ` +
            'look for another setting that takes precision away, such as XLA_FLAGS, ' +
            'or for a TensorFlow that this process loaded before Rapt',
        );
    }
}

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly dimensions: number;
}

interface Pair {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** For each operand, numbers of 24 bits, each alone in its row; then sums of many numbers that need at most 11 bits
 *  each. */
function probes({ rows, columns, dimensions }: Shape): Readonly<Record<string, Pair>> {
  const filled = (count: number, of: (at: number) => number): Float32Array => {
    const values = new Float32Array(count * dimensions);
    for (let at = 0; at < values.length; at++) values[at] = of(at);
    return values;
  };
  const signs = (count: number): Float32Array => filled(count, (at) => (at % 3 === 0 ? -1 : 1));
  const wholes = (count: number): Float32Array => {
    const values = new Float32Array(count * dimensions);
    for (let row = 0; row < count; row++) values[row * dimensions + ((7 * row) % dimensions)] = WHOLE - 2 * row;
    return values;
  };
  const terms = (count: number, most: number): Float32Array => filled(count, (at) => most - (at % 7));
  return {
    'first operand': { a: wholes(rows), b: signs(columns) },
    'second operand': { a: signs(rows), b: wholes(columns) },
    sum: { a: terms(rows, MOST_TERM), b: terms(columns, MOST_FACTOR) },
  };
}

/** The first product that is wrong, compared with double precision, which is exact here. */
function firstWrong(
  found: Float32Array,
  a: Float32Array,
  b: Float32Array,
  { rows, columns, dimensions }: Shape,
): { readonly found: number; readonly expected: number } | null {
  // One row, one column and a diagonal: they meet every row of either operand at a thousandth of the cost of all.
  for (let at = 0; at < Math.max(rows, columns); at++)
    for (const [row, column] of [
      [at % rows, at % columns],
      [0, at % columns],
      [at % rows, columns - 1],
    ] as const) {
      let expected = 0;
      for (let i = 0; i < dimensions; i++) expected += a[row * dimensions + i]! * b[column * dimensions + i]!;
      const value = found[row * columns + column]!;
      if (value !== expected) return { found: value, expected };
    }
  return null;
}

function ofTensorflow(
  a: Float32Array,
  b: Float32Array,
  rows: number,
  columns: number,
  dimensions: number,
): Float32Array {
  const [left, right] = [tf.tensor2d(a, [rows, dimensions]), tf.tensor2d(b, [columns, dimensions])];
  const product = tf.matMul(left, right, false, true);
  try {
    return product.dataSync<'float32'>();
  } finally {
    for (const tensor of [left, right, product]) tensor.dispose();
  }
}
