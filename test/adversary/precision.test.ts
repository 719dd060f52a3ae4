/** Whoever sets a machine up decides how its libraries multiply. Fewer bits than the bounds are derived for, and one
 *  row that is many times as long as the others, must neither break what is published about a release nor make it
 *  endless. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { projectRoot } from '../../system/index.ts';
import { ExponentialSampler } from '../../rapt/privacy/exponential.ts';
import { distanceOf, OutputGeometry, type EmbeddingTable } from '../../rapt/privacy/geometry.ts';
import { createMechanism, seededRandom, uniform } from '../../rapt/privacy/index.ts';
import { LargeExponentialSampler } from '../../rapt/privacy/large-exponential.ts';
import { assertSinglePrecision, type Product } from '../../rapt/privacy/products.ts';
import { levelWeights } from '../../rapt/privacy/level-weights.ts';
import { tf, type Tensor } from '../../rapt/tensorflow.ts';
import { FULL_PRECISION } from '../../rapt/tensorflow-start.ts';
import { atOnce } from '../../rapt/turns.ts';
import { exhaust, randomTable, range } from '../rapt/privacy/embedding-tables.ts';
import { runProgram } from '../support/stack.ts';

/** To so many bits, as a register of fewer than single precision's 24 holds it. */
function cut(value: number, bits: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) + 1 - bits);
  return Math.round(value / unit) * unit;
}

interface Registers {
  readonly first?: number;
  readonly second?: number;
  readonly sum?: number;
  readonly backwards?: boolean;
}

const productBy =
  ({ first = 24, second = 24, sum: held = 24, backwards = false }: Registers): Product =>
  (a, b, rows, columns, dimensions) => {
    const [left, right] = [a.map((value) => cut(value, first)), b.map((value) => cut(value, second))];
    const products = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let i = 0; i < dimensions; i++) {
          const at = backwards ? dimensions - 1 - i : i;
          const next = sum + left[row * dimensions + at]! * right[column * dimensions + at]!;
          sum = held === 24 ? Math.fround(next) : cut(next, held);
        }
        products[row * columns + column] = sum;
      }
    return products;
  };

const isRefusal = (error: unknown): boolean =>
  error instanceof RaptError &&
  error.kind === ErrorKind.badInput &&
  /not computed in single precision/.test(error.message) &&
  Object.keys(FULL_PRECISION).every((name) => error.message.includes(name));

describe('a library that multiplies with fewer bits', () => {
  // The first of all tests here: a process looks at its products once.
  it('is refused before a mechanism is made, and a later try with all bits is not', () => {
    const options = { name: 'exponential', eta: 14, table: randomTable(300, 16), outputIds: range(0, 300) } as const;
    const [name, backend] = ['BatchMatMul', tf.getBackend()];
    const { kernelFunc } = tf.getKernel(name, backend);
    tf.unregisterKernel(name, backend);
    tf.registerKernel({
      kernelName: name,
      backendName: backend,
      kernelFunc: (params) => {
        const { a, b } = params.inputs as { readonly a: Tensor; readonly b: Tensor };
        const rough = (tensor: Tensor): Tensor =>
          tf.tensor(
            tensor.dataSync<'float32'>().map((value) => cut(value, 8)),
            tensor.shape,
          );
        return kernelFunc({ ...params, inputs: { a: rough(a), b: rough(b) } });
      },
    });
    try {
      for (let attempt = 0; attempt < 2; attempt++) assert.throws(() => createMechanism(options), isRefusal);
    } finally {
      tf.unregisterKernel(name, backend);
      tf.registerKernel({ kernelName: name, backendName: backend, kernelFunc });
    }
    createMechanism(options).dispose();
  });

  for (const [name, registers] of Object.entries<Registers>({
    'bfloat16, in both operands': { first: 8, second: 8 },
    'bfloat16, in the first alone': { first: 8 },
    'bfloat16, in the second alone': { second: 8 },
    TF32: { first: 11, second: 11 },
    'bfloat16 in two parts': { first: 16, second: 16 },
    'one bit too few': { first: 23 },
    'sums of 16-bit floats': { sum: 11 },
    'sums that lose three bits': { sum: 21 },
  }))
    it(`is found out: ${name}`, () => assert.throws(() => assertSinglePrecision(productBy(registers)), isRefusal));

  it('is told apart from one that sums in another order', () => {
    for (const backwards of [false, true]) assertSinglePrecision(productBy({ backwards }));
  });

  it('has no say by the environment, even where an attack and no mechanism loads TensorFlow', async () => {
    const hostile = {
      ONEDNN_DEFAULT_FPMATH_MODE: 'BF16',
      DNNL_DEFAULT_FPMATH_MODE: 'ANY',
      TF_SET_ONEDNN_FPMATH_MODE: 'BF16',
      ITEX_FP32_MATH_MODE: 'BF32',
      TF_ENABLE_ZENDNN_OPTS: '1',
      NVIDIA_TF32_OVERRIDE: '1',
    };
    assert.deepEqual(Object.keys(hostile).sort(), Object.keys(FULL_PRECISION).sort());
    const script =
      "import { tf } from './rapt/tensorflow.ts'; tf.scalar(1).dispose(); " +
      `console.log(JSON.stringify(${JSON.stringify(Object.keys(hostile))}.map((name) => [name, process.env[name]])));`;
    const { code, stdout, stderr } = await runProgram(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      { ...process.env, ...hostile },
      projectRoot,
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(Object.fromEntries(JSON.parse(stdout) as [string, string][]), FULL_PRECISION);
  });
});

describe('a table with a few rows a thousand times as long as the others', () => {
  const ROWS = 1500;
  const DIMENSIONS = 24;
  /** Each with one beside it that is nearly the same, each pair in another block of the samplers. */
  const LONG = [301, 500, 701, 901, 1101, 1301] as const;
  const ETA = 14;
  const usual = randomTable(ROWS, DIMENSIONS, 3);
  const table: EmbeddingTable = { ...usual, values: usual.values.slice() };
  for (const row of LONG)
    for (let i = 0; i < DIMENSIONS; i++) {
      const [own, beside] = [row * DIMENSIONS + i, (row + 1) * DIMENSIONS + i];
      table.values[own]! *= 1000;
      table.values[beside] = table.values[own]! + 0.01 * usual.values[beside]!;
    }
  const outputIds = range(20, ROWS);
  const usualOnes = Int32Array.of(0, 6, 7, 10, 21, 100, 300, 303, 1400);
  const some = Int32Array.from([...usualOnes, ...LONG]);

  it('has each probability within the published slack of its ideal, and few distances are computed twice', () => {
    const geometry = new OutputGeometry(table, outputIds);
    let twice = 0;
    const distance = geometry.distance.bind(geometry);
    geometry.distance = (id, output) => {
      twice++;
      return distance(id, output);
    };
    const sampler = new ExponentialSampler(ETA, geometry, seededRandom(1));
    const { weights, step } = levelWeights(ETA, geometry);
    const cutAt = step * (weights.length - 1);
    for (const id of some) {
      const ideal = Float64Array.from(outputIds, (y) => (-ETA / 2) * Math.min(cutAt, distanceOf(table, id, y)));
      const total = Math.log(ideal.reduce((sum, log) => sum + Math.exp(log), 0));
      sampler
        .probabilities(id)
        .forEach((p, output) =>
          assert.ok(
            Math.abs(Math.log(p) - ideal[output]! + total) <= sampler.numericalSlack / 2,
            `token ${id}, output ${output}`,
          ),
        );
    }
    // By one bound for all pairs it would be nearly all.
    assert.ok(twice < 0.03 * some.length * outputIds.length, `${twice} of ${some.length * outputIds.length}`);
    const inputs = range(600, 800);
    const share = exhaust(Array.from(inputs, (id) => sampler.probabilities(id)))(
      (x, other) => ETA * distanceOf(table, inputs[x]!, inputs[other]!) + sampler.numericalSlack,
    );
    assert.ok(share > 0.3 && share <= 1, `largest ratio over its bound ${share}`);
    geometry.dispose();
  });

  it('is drawn from by rejection with as few rounds as without those rows, and by true bounds', () => {
    const rounds = [usual, table].map((of) => {
      const geometry = new OutputGeometry(of, outputIds);
      const sampler = new LargeExponentialSampler(ETA, geometry, seededRandom(2));
      const ids = Int32Array.from({ length: 4000 }, (_, at) => usualOnes[at % usualOnes.length]!);
      atOnce(sampler.privatizing(ids));
      for (const id of some) {
        const bounds = sampler.bounds(id);
        for (let output = 0; output < outputIds.length; output++)
          if (outputIds[output] !== id)
            assert.ok(sampler.weight(id, output) <= bounds[Math.floor(output / 64)]!, `token ${id}, output ${output}`);
      }
      geometry.dispose();
      return (ids.length + sampler.rejected) / ids.length;
    }) as [number, number];
    assert.ok(
      rounds[1] < 1.5 * rounds[0],
      `${rounds[1].toFixed(2)} rounds a draw, ${rounds[0].toFixed(2)} without those rows`,
    );
  });

  it('has the nearest token of every point found exactly, among few', () => {
    const geometry = new OutputGeometry(table, outputIds);
    const random = seededRandom(5);
    const count = 300;
    const queries = Float64Array.from({ length: count * DIMENSIONS }, () => uniform(random) - 0.5);
    for (let i = 0; i < DIMENSIONS; i++) {
      queries[i] = table.values[LONG[0] * DIMENSIONS + i]! * 0.999;
      queries[DIMENSIONS + i] = (table.values[LONG[0] * DIMENSIONS + i]! + table.values[100 * DIMENSIONS + i]!) / 2;
      queries[2 * DIMENSIONS + i] = (table.values[49 * DIMENSIONS + i]! + table.values[50 * DIMENSIONS + i]!) / 2;
    }
    const found = atOnce(geometry.nearest(queries));
    for (let q = 0; q < count; q++) {
      let [best, least] = [0, Infinity];
      for (let output = 0; output < outputIds.length; output++) {
        let square = 0;
        for (let i = 0; i < DIMENSIONS; i++)
          square += (table.values[outputIds[output]! * DIMENSIONS + i]! - queries[q * DIMENSIONS + i]!) ** 2;
        if (square < least) [best, least] = [output, square];
      }
      assert.equal(found[q], best, `query ${q}`);
    }
    assert.ok(geometry.rivals < 2 * count, `${geometry.rivals} of ${count * outputIds.length}`);
    geometry.dispose();
  });
});
