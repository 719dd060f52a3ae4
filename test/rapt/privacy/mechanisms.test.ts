import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMechanism, outputVocabulary, seededRandom, uniform } from '../../../rapt/privacy/index.ts';
import { ExponentialSampler } from '../../../rapt/privacy/exponential.ts';
import { OutputGeometry } from '../../../rapt/privacy/geometry.ts';
import { LaplaceSampler } from '../../../rapt/privacy/laplace.ts';
import { computeTightest } from '../../../rapt/privacy/tightest-eta.ts';
import { atOnce } from '../../../rapt/turns.ts';
import { sized } from '../../support/size.ts';
import { chiSquare, chiSquareLimit } from './statistics.ts';
import { exhaust, randomTable, range, sampleOfMiniLM, tableOf } from './embedding-tables.ts';

const VOCABULARY = sized(600, 2000);
const PAIRS = (VOCABULARY * (VOCABULARY - 1)) / 2;
const ETA = 14;

for (const [name, make] of [
  ['a table with near and equal rows', () => Promise.resolve(randomTable(VOCABULARY, 32))],
  ["tokens of MiniLM's table", () => sampleOfMiniLM(VOCABULARY)],
] as const)
  test(
    `exponential, ${name}: no output of any of ${PAIRS} pairs exceeds the bound of eta, nor that of the tightest`,
    { timeout: 400_000 },
    async (t) => {
      const table = await make();
      const geometry = new OutputGeometry(table, range(0, VOCABULARY));
      const sampler = new ExponentialSampler(ETA, geometry, seededRandom(1));
      const start = performance.now();
      const shareOf = exhaust(Array.from(range(0, VOCABULARY), (id) => sampler.probabilities(id)));
      const seconds = (performance.now() - start) / 1000;
      const bound = (eta: number) => (x: number, other: number) =>
        eta * geometry.distance(x, other) + sampler.numericalSlack;
      const share = shareOf(bound(ETA));
      assert.ok(share <= 1, `largest ratio over its bound: ${share}`);
      assert.ok(share > 0.5, `the bound is far from what is reached: ${share}`);
      const tightest = await computeTightest(ETA, table, range(0, VOCABULARY));
      assert.ok(tightest > ETA / 2 && tightest <= ETA, `tightest eta ${tightest}`);
      assert.ok(shareOf(bound(tightest)) <= 1, 'the tightest eta is too small');
      t.diagnostic(
        `${PAIRS} pairs x ${VOCABULARY} outputs in ${seconds.toFixed(1)} s: ` +
          `largest ratio over its bound ${share.toFixed(4)}; tightest eta ${tightest} for eta ${ETA}`,
      );
      geometry.dispose();
    },
  );

test('exponential: the tightest eta is reached, and a little less would not do', async () => {
  const table = await sampleOfMiniLM(500);
  const geometry = new OutputGeometry(table, range(0, 500));
  const sampler = new ExponentialSampler(ETA, geometry, seededRandom(1));
  const tightest = await computeTightest(ETA, table, range(0, 500));
  const shareOf = exhaust(Array.from(range(0, 500), (id) => sampler.probabilities(id)));
  assert.ok(shareOf((x, other) => 0.99 * tightest * geometry.distance(x, other)) > 1);
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

/** Chance that a token of a two-token vocabulary is answered by the other: P(z . u > D / 2), where z has the density c
 *  e^(-eta |z|). In three dimensions z . u has the density eta / 4 (1 + eta |t|) e^(-eta |t|), whose tail beyond t is
 *  (2 + eta t) / 4 e^(-eta t). */
const flipRate = (eta: number, distance: number): number =>
  ((2 + (eta * distance) / 2) / 4) * Math.exp((-eta * distance) / 2);

const DRAWS = 60_000;

test('laplace: the flip rate between two tokens is that of the closed form', () => {
  const geometry = new OutputGeometry(
    tableOf([
      [0, 0, 0],
      [1, 0, 0],
    ]),
    Int32Array.of(0, 1),
  );
  for (const eta of [1, 3, 6]) {
    const answers = new LaplaceSampler(eta, geometry, seededRandom(eta)).privatize(new Int32Array(DRAWS));
    const flips = answers.reduce((sum, id) => sum + id, 0);
    const rate = flipRate(eta, 1);
    assert.ok(chiSquare([flips, DRAWS - flips], [rate, 1 - rate]).statistic < chiSquareLimit(1), `eta ${eta}`);
  }
  geometry.dispose();
});

test('nearest tokens are exact, ties and equal rows included', () => {
  const table = randomTable(500, 24, 5);
  const geometry = new OutputGeometry(table, range(3, 500));
  const random = seededRandom(10);
  const queries = Float64Array.from({ length: 200 * 24 }, () => uniform(random) - 0.5);
  // Half-way between two rows, and on rows: distances that single precision cannot tell apart.
  for (let i = 0; i < 24; i++) queries[i] = (table.values[10 * 24 + i]! + table.values[9 * 24 + i]!) / 2;
  for (let i = 0; i < 24; i++) queries[24 + i] = table.values[7 * 24 + i]!;
  const found = atOnce(geometry.nearest(queries));
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
    const tokens = [
      '[PAD]',
      '[UNK]',
      '[CLS]',
      '[SEP]',
      '[unused1]',
      '[',
      ...Array.from({ length: 194 }, (_, i) => `word${i}`),
    ];
    const outputIds = outputVocabulary(tokens, new Set([0, 1, 2, 3]));
    assert.deepEqual([...outputIds.slice(0, 2)], [5, 6]);
    const mechanism = createMechanism({ name, eta: 1000, table: randomTable(200, 16, 6), outputIds });
    const unknown = mechanism.privatize(new Int32Array(2000).fill(1));
    assert.ok(
      unknown.every((id) => id >= 5),
      'the unknown token came out',
    );
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
