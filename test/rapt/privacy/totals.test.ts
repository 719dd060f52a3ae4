import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { distanceOf, OutputGeometry, type EmbeddingTable } from '../../../rapt/privacy/geometry.ts';
import { computeTightest, SteepestPair, tightestEta } from '../../../rapt/privacy/tightest-eta.ts';
import { computeTotals, PairSums, tableTotals } from '../../../rapt/privacy/totals.ts';
import { levelWeights } from '../../../rapt/privacy/level-weights.ts';
import { Turns } from '../../../rapt/turns.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { randomTable, range } from './embedding-tables.ts';

process.env['RAPT_CACHE'] = temporaryFolder();
const ETA = 11;

/** W by its definition, in double precision. */
function logTotalOf(id: number, table: EmbeddingTable, outputIds: Int32Array): number {
  const { weights, step } = levelWeights(ETA, new OutputGeometry(table, outputIds));
  return Math.log(
    outputIds.reduce(
      (sum, y) => sum + weights[Math.min(weights.length - 1, Math.round(distanceOf(table, id, y) / step))]!,
      0,
    ),
  );
}

describe('the pass over all pairs', () => {
  // Two stripes of columns, some tokens that are no outputs, near and equal rows.
  const table = randomTable(9000, 12);
  const outputIds = range(40, 9000).filter((id) => id % 100 !== 0);

  it('gives W of every token, and less than the distance of its nearest neighbour', async () => {
    const { logTotals, nearest } = await computeTotals(ETA, table, outputIds, { turns: new Turns() });
    for (const id of [0, 1, 39, 40, 41, 100, 4321, 8200, 8900, 8999]) {
      const expected = logTotalOf(id, table, outputIds);
      assert.ok(Math.abs(logTotals[id]! - expected) < 1e-4, `token ${id}: ${logTotals[id]} instead of ${expected}`);
      const least = Math.min(
        ...Array.from({ length: table.rows }, (_, other) => (other === id ? Infinity : distanceOf(table, id, other))),
      );
      assert.ok(
        nearest[id]! <= least && nearest[id]! > 0.99 * least - 1e-3,
        `token ${id}: ${nearest[id]} instead of ${least}`,
      );
    }
  });

  it('comes to the same sums however often it is given up and goes on', async () => {
    const whole = await computeTotals(ETA, table, outputIds, { turns: new Turns() });
    const stop = new Error('killed');
    let attempts = 0;
    const attempt = async (): Promise<unknown> => {
      attempts++;
      // One tile an attempt.
      return tableTotals(ETA, table, outputIds, { turns: new Turns(AbortSignal.abort(stop)) });
    };
    while (
      await attempt().then(
        () => false,
        (error: unknown) => {
          if (error !== stop) throw error;
          return true;
        },
      )
    );
    assert.deepEqual(await tableTotals(ETA, table, outputIds, { turns: new Turns() }), whole);
    assert.ok(attempts > 18, `${attempts} attempts`);
    assert.equal(readdirSync(join(process.env['RAPT_CACHE']!, 'totals')).length, 1);
  });
});

describe('pairs whose distance is computed again in double precision', () => {
  it('are few, even if one row is many times as long as the others', async () => {
    const table = randomTable(2000, 24, 2);
    for (let i = 0; i < 24; i++) table.values[1000 * 24 + i]! *= 60;
    const outputIds = range(20, 2000);
    const sums = PairSums.from(2000, null);
    const { logTotals, nearest } = await computeTotals(ETA, table, outputIds, { turns: new Turns(), sums });
    // By a bound for all pairs they would be more than a million.
    assert.ok(sums.recomputed < 50_000, `${sums.recomputed}`);
    // Each weight is within an eighth of the slack of the ideal one.
    const { slack } = levelWeights(ETA, new OutputGeometry(table, outputIds));
    for (let id = 0; id < 2000; id += 7) {
      assert.ok(Math.abs(logTotals[id]! - logTotalOf(id, table, outputIds)) <= slack / 2, `token ${id}`);
      const least = Math.min(
        ...Array.from({ length: table.rows }, (_, other) => (other === id ? Infinity : distanceOf(table, id, other))),
      );
      assert.ok(
        nearest[id]! <= least && nearest[id]! > 0.99 * least - 1e-3,
        `token ${id}: ${nearest[id]} instead of ${least}`,
      );
    }
  });
});

describe('the tightest eta', () => {
  it('is that of the steepest of all pairs, though few are looked at', async () => {
    const table = randomTable(3000, 24, 4);
    const outputIds = range(20, 3000);
    const totals = await computeTotals(ETA, table, outputIds, { turns: new Turns() });
    const geometry = new OutputGeometry(table, outputIds);
    const slack = levelWeights(ETA, geometry).slack / 2;
    let steepest = 0;
    for (let x = 0; x < table.rows; x++)
      for (let other = 0; other < x; other++) {
        const difference = Math.abs(totals.logTotals[x]! - totals.logTotals[other]!) - slack;
        if (difference > 0) steepest = Math.max(steepest, difference / distanceOf(table, x, other));
      }
    const search = new SteepestPair(geometry, totals, slack);
    assert.equal(await search.find(new Turns()), steepest);
    assert.ok(search.pairs < (3000 * 2999) / 2, `${search.pairs} pairs`);
    assert.ok(Math.abs((await computeTightest(ETA, table, outputIds)) - (ETA / 2 + steepest)) < 0.01);
  });

  it('is computed once, and tells how far it is', async () => {
    const table = randomTable(600, 8, 6);
    const shares: number[] = [];
    const first = await tightestEta(ETA, table, range(0, 600), { onProgress: (done) => shares.push(done) });
    assert.equal(shares.at(-1), 1);
    assert.equal(await tightestEta(ETA, table, range(0, 600), { signal: AbortSignal.abort() }), first);
  });
});
