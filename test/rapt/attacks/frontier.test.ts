import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frontier } from '../../../rapt/attacks/index.ts';
import { zipfPrior } from '../../../rapt/channel/index.ts';
import { frontierDrawing } from '../../../rapt/report/index.ts';
import { randomTable, range } from '../privacy/embedding-tables.ts';

const ROWS = 300;
const table = randomTable(ROWS, 8, 4);
const outputIds = range(5, ROWS);
const prior = zipfPrior(ROWS, outputIds);

for (const mechanism of ['exponential', 'laplace'] as const)
  test(`${mechanism}: with a larger eta more is guessed, and never less than without a release`, async () => {
    const frontier = await Frontier.open({ table, outputIds, prior });
    const points = [
      await frontier.at(mechanism, 2),
      await frontier.at(mechanism, 10),
      await frontier.at(mechanism, 60),
    ];
    for (const [at, { bayes, bayesTop10, unchangedInText, priorOnly }] of points.entries()) {
      assert.ok(bayes > priorOnly - 0.03, `${bayes} beside ${priorOnly}`);
      // What is likeliest is at least as often right as the released token, up to chance and, for laplace, to the fit.
      assert.ok(bayes > unchangedInText - 0.03);
      assert.ok(bayesTop10 >= bayes);
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
