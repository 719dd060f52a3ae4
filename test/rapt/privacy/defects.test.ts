/** Defects that mechanisms of this kind were published with, planted one by one, and the check that catches each. What
 *  is right passes every check. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import {
  fillDirection,
  gamma,
  seededRandom,
  uniform,
  type EmbeddingTable,
  type RandomSource,
} from '../../../rapt/privacy/index.ts';
import { atOnce } from '../../../rapt/turns.ts';
import { ExponentialSampler } from '../../../rapt/privacy/exponential.ts';
import { OutputGeometry } from '../../../rapt/privacy/geometry.ts';
import { LaplaceSampler } from '../../../rapt/privacy/laplace.ts';
import { laplaceDelta } from '../../../rapt/privacy/laplace-precision.ts';
import { sized } from '../../support/size.ts';
import { hunt, type Finding } from './hunter.ts';
import { gammaCdf, ksDistance, ksLimit } from './statistics.ts';
import { exhaust, randomTable, range, tableOf } from './embedding-tables.ts';

const ETA = 5;

/** Fills a vector with noise of d_chi parameter eta. */
type Noise = (random: RandomSource, eta: number, out: Float64Array) => void;

const RIGHT: Noise = (random, eta, out) => scale(random, out, gamma(random, out.length, 1 / eta));
const IN_THE_BALL: Noise = (random, eta, out) =>
  scale(random, out, gamma(random, out.length, 1 / eta) * uniform(random) ** (1 / out.length));
/** As in a published re-implementation: a Gamma number and a uniform one for each coordinate, nothing normalized. */
const PER_COORDINATE: Noise = (random, eta, out) =>
  out.forEach((_, i) => (out[i] = gamma(random, out.length, 1 / eta) * (2 * uniform(random) - 1)));
const ETA_DOUBLED: Noise = (random, eta, out) => RIGHT(random, 2 * eta, out);

function scale(random: RandomSource, out: Float64Array, length: number): void {
  fillDirection(random, out);
  out.forEach((value, i) => (out[i] = length * value));
}

/** Two inputs at a distance of 0.4, the first in a small cell of its own: where the density of the noise is largest,
 *  and defects near 0 show. */
const CELL = tableOf([
  [0, 0, 0],
  [0.4, 0, 0],
  ...[0, 1, 2].flatMap((axis) => [0.12, -0.12].map((at) => [0, 1, 2].map((i) => (i === axis ? at : 0)))),
  [-1.5, 0, 0],
  [2, 0, 0],
]);
/** A token alone, and one in a crowd: of the totals W, and so of the two sides of the exponential mechanism's bound,
 *  the most that there can be. */
const CROWD = tableOf([[0, 0], [1, 0], ...Array.from({ length: 49 }, () => [0, 0])]);

type Answer = (query: Float64Array, input: number) => number;

/** Answers of the laplace mechanism, written once more and plainly. */
function laplace(
  table: EmbeddingTable,
  eta: number,
  noise: Noise,
  random: RandomSource,
  answer: Answer = nearestOf(table),
): (id: number, count: number) => Int32Array {
  const { values, dimensions } = table;
  const query = new Float64Array(dimensions);
  return (id, count) =>
    Int32Array.from({ length: count }, () => {
      noise(random, eta, query);
      query.forEach((value, i) => (query[i] = value + values[id * dimensions + i]!));
      return answer(query, id);
    });
}

/** @param excluded is never answered. */
const nearestOf =
  (table: EmbeddingTable): ((query: Float64Array, excluded?: number | null) => number) =>
  (query, excluded = null) => {
    let best = -1;
    let least = Infinity;
    for (let row = 0; row < table.rows; row++) {
      let square = 0;
      query.forEach((value, i) => (square += (table.values[row * table.dimensions + i]! - value) ** 2));
      if (square < least && row !== excluded) [least, best] = [square, row];
    }
    return best;
  };
const exactly = (table: EmbeddingTable): Answer => {
  const nearest = nearestOf(table);
  return (query) => nearest(query);
};

const rowOf = ({ values, dimensions }: EmbeddingTable, row: number): Float32Array =>
  values.subarray(row * dimensions, (row + 1) * dimensions);
const distance = (table: EmbeddingTable, a: number, b: number): number =>
  Math.hypot(...rowOf(table, a).map((value, i) => value - rowOf(table, b)[i]!));

function huntLaplace(draw: (id: number, count: number) => Int32Array, draws = 100_000): Finding | null {
  return hunt({ draw, pairs: [[0, 1]], bound: (x, other) => ETA * distance(CELL, x, other) }, draws);
}

/** Whether the noise's length and one coordinate of its direction have the laws that make its density exp(-eta ||z||),
 *  in three dimensions. */
function hasLaplaceLaw(noise: Noise): boolean {
  const random = seededRandom(31);
  const draws = 4000;
  const noises = Array.from({ length: draws }, () => {
    const out = new Float64Array(3);
    noise(random, ETA, out);
    return out;
  });
  const lengths = noises.map((one) => Math.hypot(...one));
  return (
    ksDistance(lengths, (length) => gammaCdf(length * ETA, 3)) < ksLimit(draws) &&
    ksDistance(
      noises.map((one, i) => one[0]! / lengths[i]!),
      (x) => (x + 1) / 2,
    ) < ksLimit(draws)
  );
}

const HUNTS = sized(4, 10);
const exponentialOn = (eta: number, seed: number): ((id: number, count: number) => Int32Array) => {
  const sampler = new ExponentialSampler(eta, new OutputGeometry(CROWD, range(0, CROWD.rows)), seededRandom(seed));
  return (id, count) => sampler.privatize(new Int32Array(count).fill(id));
};
const huntExponential = (draw: (id: number, count: number) => Int32Array): Finding | null =>
  hunt({ draw, pairs: [[0, 1]], bound: (x, other) => 2 * distance(CROWD, x, other) + 0.01 }, 40_000);

test('the hunter raises no alarm on the right mechanisms', { timeout: 300_000 }, () => {
  const geometry = new OutputGeometry(CELL, range(0, CELL.rows));
  for (let seed = 0; seed < HUNTS; seed++) {
    const sampler = new LaplaceSampler(ETA, geometry, seededRandom(seed));
    assert.equal(
      huntLaplace((id, count) => sampler.privatize(new Int32Array(count).fill(id)), 50_000),
      null,
      `laplace, seed ${seed}`,
    );
    assert.equal(huntExponential(exponentialOn(2, seed)), null, `exponential, seed ${seed}`);
  }
});

test('the hunter finds an eta that is off by 2, in nearly every hunt', { timeout: 300_000 }, (t) => {
  const power = (found: (seed: number, factor: number) => Finding | null, factor: number): number =>
    Array.from({ length: HUNTS }, (_, seed) => found(seed, factor)).filter((finding) => finding !== null).length;
  const onLaplace = (seed: number, factor: number): Finding | null =>
    huntLaplace(laplace(CELL, factor * ETA, RIGHT, seededRandom(100 + seed), exactly(CELL)), 20_000);
  const onExponential = (seed: number, factor: number): Finding | null =>
    huntExponential(exponentialOn(factor * 2, 100 + seed));
  assert.ok(power(onLaplace, 2) >= HUNTS - 1);
  assert.ok(power(onExponential, 2) >= HUNTS - 1);
  for (const factor of sized([], [2, 1.5, 1.25]))
    t.diagnostic(
      `eta off by ${factor}: found in ${power(onLaplace, factor)} of ${HUNTS} hunts on laplace, ` +
        `${power(onExponential, factor)} of ${HUNTS} on exponential`,
    );
});

test(
  'noise in the ball instead of on the sphere: caught by the hunter, and by the law of the noise',
  { timeout: 120_000 },
  (t) => {
    const finding = huntLaplace(laplace(CELL, ETA, IN_THE_BALL, seededRandom(1), exactly(CELL)), 200_000);
    assert.ok(finding !== null);
    t.diagnostic(`log-ratio above ${finding.logRatio.toFixed(2)}, its bound is ${finding.bound.toFixed(2)}`);
    assert.ok(!hasLaplaceLaw(IN_THE_BALL));
    assert.ok(hasLaplaceLaw(RIGHT));
  },
);

test('a Gamma number for each coordinate: caught by the law of the noise, as is every factor on eta', () => {
  assert.ok(!hasLaplaceLaw(PER_COORDINATE));
  assert.ok(!hasLaplaceLaw(ETA_DOUBLED));
  const random = seededRandom(3);
  const out = new Float64Array(768);
  const meanLength = (noise: Noise): number =>
    Array.from({ length: 20 }, () => (noise(random, ETA, out), Math.hypot(...out))).reduce(
      (sum, length) => sum + length / 20,
      0,
    );
  const factor = meanLength(PER_COORDINATE) / meanLength(RIGHT);
  assert.ok(factor > 15 && factor < 17, `at 768 dimensions its noise is ${factor} times too long`);
});

test('an approximate nearest neighbour: caught by comparison with all distances', () => {
  const table = randomTable(500, 24, 5);
  const geometry = new OutputGeometry(table, range(0, 500));
  const random = seededRandom(8);
  const queries = Float64Array.from({ length: 300 * 24 }, () => uniform(random) - 0.5);
  const nearest = nearestOf(table);
  const wrong = (found: Int32Array): number =>
    found.reduce((count, answer, q) => count + (answer === nearest(queries.subarray(q * 24, (q + 1) * 24)) ? 0 : 1), 0);
  assert.equal(wrong(atOnce(geometry.nearest(queries))), 0);
  // Distances in the first half of the coordinates only, as a projection would have them.
  const projected = tableOf(
    Array.from({ length: 500 }, (_, row) => Array.from(table.values.subarray(row * 24, row * 24 + 12))),
  );
  const approximate = nearestOf(projected);
  assert.ok(wrong(Int32Array.from({ length: 300 }, (_, q) => approximate(queries.subarray(q * 24, q * 24 + 12)))) > 0);
  geometry.dispose();
});

test(
  'the input word excluded from the answers: caught by the hunter, and by the exhaustive check',
  { timeout: 120_000 },
  () => {
    assert.ok(huntLaplace(laplace(CELL, ETA, RIGHT, seededRandom(2), nearestOf(CELL)), 50_000) !== null);
    const table = randomTable(300, 16, 3);
    const geometry = new OutputGeometry(table, range(0, 300));
    const sampler = new ExponentialSampler(6, geometry, seededRandom(2));
    const bound = (x: number, other: number): number => 6 * geometry.distance(x, other) + sampler.numericalSlack;
    const right = Array.from(range(20, 40), (id) => sampler.probabilities(id));
    const of = (rows: readonly Float64Array[]): number => exhaust(rows)((x, other) => bound(x + 20, other + 20));
    assert.ok(of(right) <= 1);
    assert.ok(!(of(right.map((row, x) => row.map((p, y) => (y === x + 20 ? 0 : p)))) <= 1));
    const doubled = new ExponentialSampler(12, geometry, seededRandom(2));
    assert.ok(of(Array.from(range(20, 40), (id) => doubled.probabilities(id))) > 1, 'eta off by 2');
    geometry.dispose();
  },
);

test('a seed repeated in two processes: caught by comparing what two processes draw', { timeout: 60_000 }, () => {
  const privacy = new URL('../../../rapt/privacy/index.ts', import.meta.url).href;
  const program = (source: string): string => `import * as privacy from ${JSON.stringify(privacy)};
    const values = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i * i));
    const table = { values, rows: 100, dimensions: 2, sha256: '' };
    const outputIds = Int32Array.from({ length: 100 }, (_, i) => i);
    const mechanism = privacy.createMechanism({ name: 'laplace', eta: 1, table, outputIds, random: ${source} });
    console.log(mechanism.privatize(outputIds).join());`;
  const draw = (source: string): string =>
    execFileSync(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program(source)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
  const repeats = (source: string): boolean => draw(source) === draw(source);
  assert.ok(!repeats('privacy.systemRandom'));
  assert.ok(repeats('privacy.seededRandom(42)'));
});

const MINI_LM = { eta: 75, dimensions: 384, outputs: 29_522, inputNorm: 1.7, outputNorm: 1.7 };

test('what double precision costs laplace is small at the sizes of real tables', () => {
  const delta = laplaceDelta(MINI_LM);
  assert.ok(delta > 1e-9 && delta < 1e-5, `delta ${delta}`);
});

test('what double precision costs laplace grows with outputs and dimensions, and is no chance above 1', () => {
  const delta = laplaceDelta(MINI_LM);
  assert.ok(laplaceDelta({ ...MINI_LM, outputs: 2 * 29_522 }) > 1.9 * delta);
  assert.ok(laplaceDelta({ ...MINI_LM, dimensions: 768 }) > delta);
  assert.equal(laplaceDelta({ ...MINI_LM, outputs: 1e18 }), 1);
});
