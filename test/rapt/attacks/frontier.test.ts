import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frontier } from '../../../rapt/attacks/index.ts';
import { zipfPrior } from '../../../rapt/channel/index.ts';
import { PairDistances } from '../../../rapt/channel/pair-distances.ts';
import { frontierDrawing } from '../../../rapt/report/index.ts';
import { randomTable, range } from '../privacy/tables.ts';

const ROWS = 300;
const table = randomTable(ROWS, 8, 4);
const outputIds = range(5, ROWS);
const prior = zipfPrior(ROWS, outputIds);
const distance = (a: number, b: number): number =>
  Math.hypot(...Array.from({ length: 8 }, (_, i) => table.values[a * 8 + i]! - table.values[b * 8 + i]!));

test('the totals of a channel at any rate follow from one pass over the distances', async () => {
  const distances = await PairDistances.measure(table, outputIds);
  for (const rate of [0.5, 5, 20]) {
    const totals = distances.logTotals(rate);
    for (const x of [0, 7, 50, 299]) {
      const expected = Math.log(outputIds.reduce((sum, y) => sum + Math.exp(-rate * distance(x, y)), 0));
      assert.ok(Math.abs(totals[x]! - expected) < 0.03, `rate ${rate}, token ${x}: ${totals[x]} for ${expected}`);
    }
  }
});

test('of a large vocabulary a sample of the outputs stands for all', async () => {
  const [whole, sampled] = [
    await PairDistances.measure(table, outputIds),
    await PairDistances.measure(table, outputIds, 150),
  ];
  for (const rate of [0.5, 5]) {
    const expected = whole.logTotals(rate);
    const off = sampled.logTotals(rate).map((total, x) => total - expected[x]!);
    assert.ok(Math.hypot(...off) / Math.sqrt(ROWS) < 0.25, `rate ${rate}`);
    assert.ok(Math.abs(off.reduce((sum, one) => sum + one, 0) / ROWS) < 0.05, `rate ${rate}: as many as all of them`);
  }
});

for (const mechanism of ['exponential', 'laplace'] as const)
  test(`${mechanism}: with a larger eta more stays and more is guessed, never less than without a release`, async () => {
    const frontier = await Frontier.open({ table, outputIds, prior });
    const points = [
      await frontier.at(mechanism, 2),
      await frontier.at(mechanism, 10),
      await frontier.at(mechanism, 60),
    ];
    for (const [at, { bayes, bayesTop10, unchangedInText, priorOnly }] of points.entries()) {
      assert.ok(bayes > priorOnly - 0.03, `${bayes} beside ${priorOnly}`);
      // What is likeliest is at least as often right as the released token, up to chance and, for laplace, to the fit.
      assert.ok(bayes > unchangedInText - 0.03 && bayesTop10 >= bayes);
      if (at > 0) assert.ok(bayes > points[at - 1]!.bayes);
    }
    assert.deepEqual(await frontier.at(mechanism, 10), points[1], 'the same on every call');
  });

test('the eta for a share of right guesses keeps to it, and one a little larger does not', async () => {
  const frontier = await Frontier.open({ table, outputIds, prior });
  const { eta, bayes } = await frontier.forBayes('exponential', 0.4, 14);
  assert.ok(bayes <= 0.4 && bayes > 0.36, `${bayes} at eta ${eta}`);
  assert.ok((await frontier.at('exponential', 1.05 * eta)).bayes > 0.4);
  await assert.rejects(
    frontier.forBayes('exponential', frontier.priorOnly / 2, 14),
    /--bayes-attack: .* cannot be reached: an adversary who sees no release gets/,
  );
});

test('the frontier is drawn as a file that stands by itself, and says in words what it shows', async () => {
  const frontier = await Frontier.open({ table, outputIds, prior });
  const points = [
    await frontier.at('exponential', 5),
    await frontier.at('exponential', 20),
    await frontier.at('laplace', 30),
  ];
  const svg = await frontierDrawing(points);
  assert.match(
    svg,
    /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" role="img" aria-label="[^"]*exponential 5: [^"]*laplace 30: /,
  );
  assert.match(svg, /prefers-color-scheme: dark/);
  assert.ok(svg.endsWith('</svg>'));
  assert.equal(await frontierDrawing(points), svg);
});
