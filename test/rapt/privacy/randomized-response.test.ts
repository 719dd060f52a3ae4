import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEAST_LABEL_EPSILON, parseTuningConfig } from '../../../contracts/index.ts';
import { LARGEST_LABEL_LOSS } from '../../../rapt/privacy/randomized-response.ts';
import { RandomizedResponse, seededRandom, withLabelNoise } from '../../../rapt/privacy/index.ts';
import { guarantee } from '../release/fakes.ts';
import { chiSquare, chiSquareLimit } from './statistics.ts';

const DRAWS = 30_000;

for (const [epsilon, classes] of [
  [1, 2],
  [3, 5],
  [0.01, 3],
  [20, 4],
] as const) {
  const name = `${classes} classes at epsilon ${epsilon}`;

  test(`${name}: no answer is more than e^epsilon times likelier under one label than under another`, () => {
    const { keep, flip } = new RandomizedResponse(epsilon, classes).noise;
    assert.ok(keep / flip <= Math.exp(epsilon), 'the bound holds without any slack');
    assert.ok(keep / flip > Math.exp(epsilon) * (1 - 1e-5), 'and is used up');
    assert.ok(Math.abs(keep + (classes - 1) * flip - 1) < 1e-12, 'the chances sum to 1');
  });

  test(`${name}: draws have the chances that are told`, () => {
    const response = new RandomizedResponse(epsilon, classes, seededRandom(classes));
    const { keep, flip } = response.noise;
    for (let label = 0; label < classes; label++) {
      const counts = new Float64Array(classes);
      for (let i = 0; i < DRAWS; i++) counts[response.draw(label)]!++;
      const expected = Array.from({ length: classes }, (_, answer) => (answer === label ? keep : flip));
      const { statistic, degrees } = chiSquare(counts, expected);
      assert.ok(
        degrees === 0 || statistic < chiSquareLimit(degrees),
        `label ${label}: ${statistic} with ${degrees} degrees`,
      );
    }
  });
}

test('an answer that always tells the label, or never does, would be noticed', () => {
  const { keep, flip } = new RandomizedResponse(1, 2).noise;
  for (const kept of [DRAWS, 0, DRAWS / 2])
    assert.ok(chiSquare([kept, DRAWS - kept], [keep, flip]).statistic > chiSquareLimit(1));
});

test('an epsilon that hides nothing, or is none, is refused', () => {
  for (const epsilon of [0, -1, 21, NaN]) assert.throws(() => new RandomizedResponse(epsilon, 2), RangeError);
});

test('an epsilon that whole numbers would lose is refused', () => {
  for (const epsilon of [5e-7, 1e-6, 5e-5, LEAST_LABEL_EPSILON * (1 - 1e-9)]) {
    assert.throws(() => new RandomizedResponse(epsilon, 2), /needs an epsilon from 0\.0001, below which every class /);
    const parsed = parseTuningConfig({ privacy: { labelEpsilon: epsilon } });
    assert.match(
      parsed.ok ? '' : parsed.problems[0]!.problem,
      /^must be at least 0\.0001: labels are drawn by whole numbers/,
    );
  }
});

test('an epsilon that is allowed loses less than one part in a hundred', () => {
  for (let epsilon = LEAST_LABEL_EPSILON; epsilon < 1e-2; epsilon *= 1.0037) {
    const { keep, flip } = new RandomizedResponse(epsilon, 3).noise;
    const had = Math.log(keep / flip);
    assert.ok(had <= epsilon && had >= (1 - LARGEST_LABEL_LOSS) * epsilon, `${had} instead of ${epsilon}`);
  }
  assert.ok(parseTuningConfig({ privacy: { labelEpsilon: LEAST_LABEL_EPSILON } }).ok, 'the least one is taken');
});

test('the guarantee tells of the labels, and claims nothing for a text that has none', () => {
  const { noise } = new RandomizedResponse(1, 2);
  const labels = 'the training labels, the set of class names, and how many texts each class has';
  const told = withLabelNoise({ ...guarantee, covered: ['tokens'], notCovered: ['length', labels] }, noise);
  assert.deepEqual(told.covered, [
    'tokens',
    'each training label: randomized response with epsilon = 1, whatever the text',
    'each test label, in each run that is graded by it: ' +
      'the number of right answers is told with two-sided geometric noise of epsilon = 1, ' +
      'and nothing else about it',
  ]);
  assert.deepEqual(told.notCovered, ['length', 'the set of class names']);
  assert.equal(told.labelEpsilon, 1);
  assert.deepEqual(withLabelNoise({ ...guarantee, private: false }, noise).notCovered, [
    'everything but the training labels: no text is protected',
  ]);
});
