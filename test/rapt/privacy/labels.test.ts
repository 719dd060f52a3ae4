import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomizedResponse, seededRandom, withLabelNoise } from '../../../rapt/privacy/index.ts';
import { guarantee } from '../release/fakes.ts';
import { chiSquare, chiSquareLimit } from './statistics.ts';

const DRAWS = 30_000;

for (const [epsilon, classes] of [[1, 2], [3, 5], [0.01, 3], [20, 4]] as const)
  test(`labels of ${classes} classes at epsilon ${epsilon}: no answer is more than e^epsilon times likelier under one label than under another, and draws have these chances`, () => {
    const response = new RandomizedResponse(epsilon, classes, seededRandom(classes));
    const { keep, flip } = response.noise;
    assert.ok(keep / flip <= Math.exp(epsilon), 'the bound holds without any slack');
    assert.ok(keep / flip > Math.exp(epsilon) * (1 - 1e-5), 'and is used up');
    assert.ok(Math.abs(keep + (classes - 1) * flip - 1) < 1e-12);
    for (let label = 0; label < classes; label++) {
      const counts = new Float64Array(classes);
      for (let i = 0; i < DRAWS; i++) counts[response.draw(label)]!++;
      const expected = Array.from({ length: classes }, (_, answer) => (answer === label ? keep : flip));
      const { statistic, degrees } = chiSquare(counts, expected);
      assert.ok(degrees === 0 || statistic < chiSquareLimit(degrees), `label ${label}: ${statistic} with ${degrees} degrees`);
    }
  });

test('an answer that always tells the label, or never does, would be noticed', () => {
  const { keep, flip } = new RandomizedResponse(1, 2).noise;
  for (const kept of [DRAWS, 0, DRAWS / 2]) assert.ok(chiSquare([kept, DRAWS - kept], [keep, flip]).statistic > chiSquareLimit(1));
});

test('an epsilon that hides nothing, or is none, is refused', () => {
  for (const epsilon of [0, -1, 21, NaN]) assert.throws(() => new RandomizedResponse(epsilon, 2), RangeError);
});

test('the guarantee tells of the labels, and claims nothing for a text that has none', () => {
  const { noise } = new RandomizedResponse(1, 2);
  const labels = 'the training labels, the set of class names, and how many texts each class has';
  const told = withLabelNoise({ ...guarantee, covered: ['tokens'], notCovered: ['length', labels] }, noise);
  assert.deepEqual(told.covered, ['tokens', 'each training label: randomized response with epsilon = 1, whatever the text']);
  assert.deepEqual(told.notCovered, ['length', 'the set of class names']);
  assert.equal(told.labelEpsilon, 1);
  assert.deepEqual(withLabelNoise({ ...guarantee, private: false }, noise).notCovered, ['everything but the training labels: no text is protected']);
});
