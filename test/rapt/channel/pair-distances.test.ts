import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairDistances } from '../../../rapt/channel/index.ts';
import { distanceOf } from '../../../rapt/privacy/index.ts';
import { randomTable, range } from '../privacy/embedding-tables.ts';

const ROWS = 300;
const table = randomTable(ROWS, 8, 4);
const outputIds = range(5, ROWS);

test('the totals of a channel at any rate follow from one pass over the distances', async () => {
  const distances = await PairDistances.measure(table, outputIds);
  for (const rate of [0.5, 5, 20]) {
    const totals = distances.logTotals(rate);
    for (const x of [0, 7, 50, 299]) {
      const expected = Math.log(outputIds.reduce((sum, y) => sum + Math.exp(-rate * distanceOf(table, x, y)), 0));
      assert.ok(Math.abs(totals[x]! - expected) < 0.03, `rate ${rate}, token ${x}: ${totals[x]} for ${expected}`);
    }
  }
});

test('a sample of the outputs stands for all outputs of a large vocabulary', async () => {
  const whole = await PairDistances.measure(table, outputIds);
  const sampled = await PairDistances.measure(table, outputIds, 150);
  for (const rate of [0.5, 5]) {
    const expected = whole.logTotals(rate);
    const off = sampled.logTotals(rate).map((total, x) => total - expected[x]!);
    const rootMeanSquare = Math.hypot(...off) / Math.sqrt(ROWS);
    const mean = off.reduce((sum, one) => sum + one, 0) / ROWS;
    assert.ok(rootMeanSquare < 0.25, `rate ${rate}`);
    assert.ok(Math.abs(mean) < 0.05, `rate ${rate}: the sample counts as many outputs as there are`);
  }
});
