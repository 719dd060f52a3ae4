/** Vocabularies that are cut into tiles: computing tile by tile gives the same as computing all at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createMechanism,
  createMechanismInTurns,
  expectedUnchanged,
  seededRandom,
  uniform,
} from '../../../rapt/privacy/index.ts';
import { distanceOf, OutputGeometry } from '../../../rapt/privacy/geometry.ts';
import { LargeExponentialSampler } from '../../../rapt/privacy/large-exponential.ts';
import { levelWeights } from '../../../rapt/privacy/level-weights.ts';
import { atOnce, type Work } from '../../../rapt/turns.ts';
import { randomTable, range } from './embedding-tables.ts';

const ROWS = 70_000;
const DIMENSIONS = 6;
const TILES = 3;
const table = randomTable(ROWS, DIMENSIONS);
const outputIds = range(100, ROWS);

/** The result, and how often others could have had their turn. */
function counted<T>(work: Work<T>): { value: T; yields: number } {
  for (let yields = 0; ; yields++) {
    const step = work.next();
    if (step.done === true) return { value: step.value, yields };
  }
}

describe('a vocabulary of 70,000 tokens', () => {
  it('has the products of its rows, whatever tile they lie in', () => {
    const geometry = new OutputGeometry(table, outputIds);
    const ids = Int32Array.of(3, 40_000, 69_999);
    const { value: products, yields } = counted(geometry.dotProducts(ids));
    assert.ok(yields >= TILES, `${yields} yields`);
    assert.equal(products.length, ids.length * outputIds.length);
    for (const [row, id] of ids.entries())
      for (const output of [0, 1, 32_767, 32_768, 65_535, 65_536, outputIds.length - 1]) {
        const expected = geometry.dotProduct(
          id,
          table.values.subarray(outputIds[output]! * DIMENSIONS, (outputIds[output]! + 1) * DIMENSIONS),
        );
        assert.ok(
          Math.abs(products[row * outputIds.length + output]! - expected) <=
            geometry.dotProductError(geometry.mostInputNorm),
          `${id}, ${output}`,
        );
      }
    const again = new Float32Array(products.length);
    atOnce(geometry.productsByTile(ids, (row, part, start) => again.set(part, row * outputIds.length + start)));
    assert.deepEqual(again, products);
    geometry.dispose();
  });

  it('has the nearest of all its tokens found', () => {
    const geometry = new OutputGeometry(table, outputIds);
    const random = seededRandom(1);
    const queries = Float64Array.from({ length: 20 * DIMENSIONS }, () => 2 * uniform(random) - 1);
    // On the last row of a tile, and half-way between two tiles.
    for (let i = 0; i < DIMENSIONS; i++) queries[i] = table.values[(100 + 32_767) * DIMENSIONS + i]!;
    for (let i = 0; i < DIMENSIONS; i++)
      queries[DIMENSIONS + i] = (table.values[200 * DIMENSIONS + i]! + table.values[69_000 * DIMENSIONS + i]!) / 2;
    const { value: found, yields } = counted(geometry.nearest(queries));
    assert.ok(yields >= TILES);
    for (let q = 0; q < 20; q++) {
      let [best, least] = [0, Infinity];
      for (let output = 0; output < outputIds.length; output++) {
        let square = 0;
        for (let i = 0; i < DIMENSIONS; i++)
          square += (table.values[outputIds[output]! * DIMENSIONS + i]! - queries[q * DIMENSIONS + i]!) ** 2;
        if (square < least) [best, least] = [output, square];
      }
      assert.equal(found[q], best, `query ${q}`);
    }
    geometry.dispose();
  });

  it('is drawn from with the weights behind the bound', () => {
    const geometry = new OutputGeometry(table, outputIds);
    const sampler = new LargeExponentialSampler(4, geometry, seededRandom(1));
    const { weights, step } = levelWeights(4, geometry);
    for (const id of [50, 40_000]) {
      const bounds = sampler.bounds(id);
      const most = new Float64Array(bounds.length);
      for (const [output, y] of outputIds.entries()) {
        const weight = sampler.weight(id, output);
        assert.equal(weight, weights[Math.min(weights.length - 1, Math.floor(distanceOf(table, id, y) / step + 0.5))]);
        const block = Math.floor(output / 64);
        if (y !== id) most[block] = Math.max(most[block]!, weight);
      }
      // No more than a bound needs, but for the precision of the products.
      bounds.forEach((bound, block) =>
        assert.ok(
          Number.isInteger(bound) && bound >= most[block]! && bound < 1.01 * most[block]!,
          `${id}, block ${block}: ${bound} for ${most[block]}`,
        ),
      );
    }
    geometry.dispose();
  });

  it('answers the same in turns as at once, with a turn for others at every tile and token', async () => {
    for (const name of ['exponential', 'laplace'] as const) {
      const options = { name, eta: 6, table, outputIds };
      const ids = Int32Array.from({ length: 40 }, (_, at) => (at * 7919) % ROWS);
      const one = createMechanism({ ...options, random: seededRandom(4) });
      const other = await createMechanismInTurns({ ...options, random: seededRandom(4) });
      assert.deepEqual(other.guarantee, one.guarantee);
      assert.deepEqual(await other.privatizeInTurns(ids), one.privatize(ids), name);
      await assert.rejects(async () => {
        for (;;) await one.privatizeInTurns(ids, AbortSignal.abort(new Error('cancelled')));
      }, /cancelled/);
      one.dispose();
      other.dispose();
    }
    const geometry = new OutputGeometry(table, outputIds);
    const { yields } = counted(new LargeExponentialSampler(6, geometry, seededRandom(4)).privatizing(range(0, 130)));
    assert.ok(yields >= 130 + 2 * TILES, `${yields} yields`);
    geometry.dispose();
  });

  it('keeps as many of its tokens unchanged as its distances say', () => {
    const sampled = Int32Array.from(
      { length: 512 },
      (_, at) => outputIds[Math.floor(((at + 0.5) * outputIds.length) / 512)]!,
    );
    const expected =
      sampled.reduce(
        (sum, x) => sum + 1 / outputIds.reduce((total, y) => total + Math.exp(-3 * distanceOf(table, x, y)), 0),
        0,
      ) / 512;
    const unchanged = expectedUnchanged({ name: 'exponential', table, outputIds, eta: 6 });
    assert.ok(Math.abs(unchanged / expected - 1) < 1e-3, `${unchanged} instead of ${expected}`);
    const mechanism = createMechanism({ name: 'laplace', eta: 150, table, outputIds, random: seededRandom(9) });
    const kept =
      mechanism.privatize(sampled).reduce((sum, answer, at) => sum + (answer === sampled[at] ? 1 : 0), 0) / 512;
    const told = mechanism.guarantee.expectedUnchanged!;
    assert.ok(
      told > 0.05 && told < 0.95 && Math.abs(kept - told) < 5 * Math.sqrt((told * (1 - told)) / 512),
      `${kept} instead of ${told}`,
    );
    mechanism.dispose();
  });
});
