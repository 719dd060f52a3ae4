import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMechanism, fillDirection, gamma, outputVocabulary, seededRandom, uniform, type EmbeddingTable, type RandomSource } from '../../../rapt/privacy/index.ts';
import { ExponentialSampler } from '../../../rapt/privacy/exponential.ts';
import { OutputGeometry } from '../../../rapt/privacy/geometry.ts';
import { LaplaceSampler } from '../../../rapt/privacy/laplace.ts';
import { chiSquare, chiSquareLimit } from './statistics.ts';

/** A table like MiniLM's in norms and neighbour distances, with near and equal rows among its tokens. */
function randomTable(rows: number, dimensions: number, seed = 1): EmbeddingTable {
  const random = seededRandom(seed);
  const values = new Float32Array(rows * dimensions);
  const direction = new Float64Array(dimensions);
  for (let row = 0; row < rows; row++) {
    fillDirection(random, direction);
    const norm = 0.4 + uniform(random);
    const near = row > 0 && row % 10 === 0;
    for (let i = 0; i < dimensions; i++) {
      const before = values[(row - 1) * dimensions + i] ?? 0;
      values[row * dimensions + i] = near ? before + 0.001 * direction[i]! : norm * direction[i]!;
    }
  }
  values.copyWithin(7 * dimensions, 6 * dimensions, 7 * dimensions);
  return { values, rows, dimensions, sha256: 'f'.repeat(64) };
}

const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);

/** Largest of |log P(y|x) - log P(y|x')| over its bound, over all outputs and all pairs of the given inputs. */
function largestRatio(probabilities: readonly Float64Array[], bound: (x: number, other: number) => number): number {
  const logs = probabilities.map((row) => row.map(Math.log));
  let most = 0;
  for (let x = 0; x < logs.length; x++)
    for (let other = x + 1; other < logs.length; other++) {
      const [a, b] = [logs[x]!, logs[other]!];
      let largest = 0;
      for (let y = 0; y < a.length; y++) {
        const difference = Math.abs(a[y]! - b[y]!);
        if (difference > largest) largest = difference;
      }
      most = Math.max(most, largest / bound(x, other));
    }
  return most;
}

const VOCABULARY = 2000;
const ETA = 14;

test(`exponential: no output of any of ${VOCABULARY * (VOCABULARY - 1) / 2} pairs exceeds the bound, and eta off by 2 would`, { timeout: 300_000 }, () => {
  const table = randomTable(VOCABULARY, 32);
  const geometry = new OutputGeometry(table, range(0, VOCABULARY));
  const sampler = new ExponentialSampler(ETA, geometry, seededRandom(1));
  const probabilities = Array.from(range(0, VOCABULARY), (id) => sampler.probabilities(id));
  const bound = (eta: number) => (x: number, other: number) => eta * geometry.distance(x, other) + sampler.numericalSlack;
  const ratio = largestRatio(probabilities, bound(ETA));
  assert.ok(ratio <= 1, `largest ratio over its bound: ${ratio}`);
  assert.ok(ratio > 0.5, `the bound is far from what is reached: ${ratio}`);
  assert.ok(largestRatio(probabilities.slice(0, 200), bound(ETA / 2)) > 1, 'the check would not see a mechanism of twice the eta');
  geometry.dispose();
});

test('exponential: draws follow the probabilities that the bound was checked on', () => {
  const table = randomTable(300, 16, 3);
  const geometry = new OutputGeometry(table, range(5, 300));
  const sampler = new ExponentialSampler(6, geometry, seededRandom(2));
  for (const id of [0, 7, 150]) {
    const counts = new Float64Array(295);
    for (const answer of sampler.privatize(new Int32Array(40_000).fill(id))) counts[answer - 5]!++;
    const { statistic, degrees } = chiSquare(counts, sampler.probabilities(id));
    assert.ok(statistic < chiSquareLimit(degrees), `token ${id}: ${statistic} with ${degrees} degrees`);
  }
  geometry.dispose();
});

test('exponential: a mechanism that never answers its input would be caught', () => {
  const table = randomTable(300, 16, 3);
  const geometry = new OutputGeometry(table, range(0, 300));
  const sampler = new ExponentialSampler(6, geometry, seededRandom(2));
  const excluded = [20, 21].map((id) => sampler.probabilities(id).map((p, y) => (y === id ? 0 : p)));
  assert.ok(!(largestRatio(excluded, () => 6 * geometry.distance(20, 21) + sampler.numericalSlack) <= 1));
  geometry.dispose();
});

test('exponential: tables are made again when the cache is full, with the same distribution', () => {
  const table = randomTable(300, 16, 4);
  const geometry = new OutputGeometry(table, range(0, 300));
  const bytesForTwo = 2 * (300 * 2 + (300 / 128 + 2) * 8);
  const sampler = new ExponentialSampler(6, geometry, seededRandom(2), bytesForTwo);
  const ids = Int32Array.from({ length: 500 }, (_, i) => i % 10);
  for (let round = 0; round < 3; round++) sampler.privatize(ids);
  assert.equal(sampler.cachedTypes, 2);
  assert.ok(sampler.tablesMade > 20, `${sampler.tablesMade} tables`);
  geometry.dispose();
});

/** Chance that a token of a two-token vocabulary is answered by the other: P(z . u > D / 2), where z has the density c e^(-eta |z|). In
 *  three dimensions z . u has the density eta / 4 (1 + eta |t|) e^(-eta |t|), whose tail beyond t is (2 + eta t) / 4 e^(-eta t). */
const flipRate = (eta: number, distance: number): number => ((2 + (eta * distance) / 2) / 4) * Math.exp((-eta * distance) / 2);

const TWO_TOKENS: EmbeddingTable = { values: Float32Array.of(0, 0, 0, 1, 0, 0), rows: 2, dimensions: 3, sha256: 'e'.repeat(64) };
const DRAWS = 60_000;

/** Whether counts of flips fit the closed form at ALPHA. */
function fitsLaplace(flips: number, eta: number): boolean {
  const rate = flipRate(eta, 1);
  return chiSquare([flips, DRAWS - flips], [rate, 1 - rate]).statistic < chiSquareLimit(1);
}

test('laplace: the flip rate between two tokens is that of the closed form', () => {
  const geometry = new OutputGeometry(TWO_TOKENS, Int32Array.of(0, 1));
  for (const eta of [1, 3, 6]) {
    const answers = new LaplaceSampler(eta, geometry, seededRandom(eta)).privatize(new Int32Array(DRAWS));
    assert.ok(fitsLaplace(answers.reduce((sum, id) => sum + id, 0), eta), `eta ${eta}`);
  }
  geometry.dispose();
});

test('laplace: planted defects are caught by the same check', () => {
  const eta = 3;
  const flips = (noise: (random: RandomSource) => number): number => {
    const random = seededRandom(9);
    let count = 0;
    for (let i = 0; i < DRAWS; i++) if (noise(random) > 0.5) count++;
    return count;
  };
  const direction = new Float64Array(3);
  const along = (random: RandomSource, length: number): number => {
    fillDirection(random, direction);
    return length * direction[0]!;
  };
  const defects: Record<string, (random: RandomSource) => number> = {
    'a Laplace draw per coordinate': (random) => (uniform(random) < 0.5 ? -1 : 1) * (-Math.log(1 - uniform(random)) / eta),
    'noise in the ball instead of on the sphere': (random) => along(random, gamma(random, 3, 1 / eta) * uniform(random) ** (1 / 3)),
    'a shape of d - 1': (random) => along(random, gamma(random, 2, 1 / eta)),
    'eta halved': (random) => along(random, gamma(random, 3, 2 / eta)),
    'eta doubled': (random) => along(random, gamma(random, 3, 1 / (2 * eta))),
  };
  assert.ok(fitsLaplace(flips((random) => along(random, gamma(random, 3, 1 / eta))), eta), 'the right sampler passes');
  for (const [name, noise] of Object.entries(defects)) assert.ok(!fitsLaplace(flips(noise), eta), `${name} was not caught`);
});

test('nearest tokens are exact, ties and equal rows included', () => {
  const table = randomTable(500, 24, 5);
  const geometry = new OutputGeometry(table, range(3, 500));
  const random = seededRandom(10);
  const queries = Float64Array.from({ length: 200 * 24 }, () => uniform(random) - 0.5);
  // Half-way between two rows, and on rows: distances that single precision cannot tell apart.
  for (let i = 0; i < 24; i++) queries[i] = (table.values[10 * 24 + i]! + table.values[9 * 24 + i]!) / 2;
  for (let i = 0; i < 24; i++) queries[24 + i] = table.values[7 * 24 + i]!;
  const found = geometry.nearest(queries);
  for (let q = 0; q < 200; q++) {
    let best = 0;
    let least = Infinity;
    for (let output = 0; output < 497; output++) {
      let square = 0;
      for (let i = 0; i < 24; i++) square += (table.values[(output + 3) * 24 + i]! - queries[q * 24 + i]!) ** 2;
      if (square < least) [least, best] = [square, output];
    }
    assert.equal(found[q], best, `query ${q}`);
  }
  geometry.dispose();
});

for (const name of ['exponential', 'laplace'] as const) {
  test(`${name}: special tokens go in like any other and never come out`, () => {
    const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[unused1]', '[', ...Array.from({ length: 194 }, (_, i) => `word${i}`)];
    const outputIds = outputVocabulary(tokens, new Set([0, 1, 2, 3]));
    assert.deepEqual([...outputIds.slice(0, 2)], [5, 6]);
    const mechanism = createMechanism({ name, eta: 1000, table: randomTable(200, 16, 6), outputIds });
    const unknown = mechanism.privatize(new Int32Array(2000).fill(1));
    assert.ok(unknown.every((id) => id >= 5), 'the unknown token came out');
    assert.equal(mechanism.guarantee.private, true);
    assert.throws(() => mechanism.privatize(Int32Array.of(200)), RangeError);
    assert.throws(() => mechanism.privatize(Int32Array.of(-1)), RangeError);
    mechanism.dispose();
  });

  test(`${name}: two mechanisms over the system's randomness answer differently, a seeded one promises nothing`, () => {
    const options = { name, eta: 2, table: randomTable(200, 16, 6), outputIds: range(0, 200) };
    const [one, other] = [createMechanism(options), createMechanism(options)];
    const ids = new Int32Array(500).fill(30);
    assert.notDeepEqual(one.privatize(ids), other.privatize(ids));
    const seeded = createMechanism({ ...options, random: seededRandom(1) });
    assert.equal(seeded.guarantee.private, false);
    assert.match(seeded.guarantee.statement, /No privacy/);
    for (const mechanism of [one, other, seeded]) mechanism.dispose();
  });
}

test('none: nothing changes, and nothing is promised', () => {
  const mechanism = createMechanism({ name: 'none', table: randomTable(50, 8, 7), outputIds: range(0, 50) });
  assert.deepEqual([...mechanism.privatize(Int32Array.of(3, 4, 5))], [3, 4, 5]);
  assert.equal(mechanism.lossBound(0.1), Infinity);
  assert.equal(mechanism.guarantee.private, false);
  mechanism.dispose();
});
