import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairedDifference, unpairedDifference } from '../../../rapt/evaluation/index.ts';

/** So many rows that both got right, only the first, only the second, and neither. */
function answers(both: number, first: number, second: number, neither: number): [boolean[], boolean[]] {
  const rows = [
    ...Array<[boolean, boolean]>(both).fill([true, true]),
    ...Array<[boolean, boolean]>(first).fill([true, false]),
    ...Array<[boolean, boolean]>(second).fill([false, true]),
    ...Array<[boolean, boolean]>(neither).fill([false, false]),
  ];
  return [rows.map(([one]) => one), rows.map(([, other]) => other)];
}
const near = (value: number, expected: number, by: number): void =>
  assert.ok(Math.abs(value - expected) < by, `${value}, not ${expected}`);

test('paired answers are compared by the rows on which they differ, exactly', () => {
  const { p, moreThanChance, value } = pairedDifference(...answers(20, 1, 8, 5));
  // 2 * (C(9, 0) + C(9, 1)) / 2^9.
  near(p ?? NaN, 20 / 512, 1e-12);
  assert.equal(moreThanChance, true);
  near(value, 7 / 34, 1e-12);
  assert.equal(pairedDifference(...answers(20, 2, 8, 5)).moreThanChance, false);
  assert.deepEqual(
    { ...pairedDifference(...answers(9, 0, 0, 1)), low: 0, high: 0 },
    { value: 0, low: 0, high: 0, p: 1, test: 'mcnemar', moreThanChance: false },
  );
});

test("the interval of paired answers is that of Agresti's approval ratings", () => {
  // Categorical Data Analysis, 2nd ed., table 10.1: 944 and 880 of 1,600 approve, 150 and 86 changed their minds.
  const { value, low, high, p } = pairedDifference(...answers(794, 150, 86, 570));
  near(value, -0.04, 1e-9);
  near(low, -0.0587, 5e-4);
  near(high, -0.0213, 5e-4);
  assert.ok(p !== null && p < 1e-4 && p > 1e-5, String(p));
});

test("the interval of unpaired accuracies is that of Newcombe's example", () => {
  // Statistics in Medicine 17 (1998), method 10: 56 of 70 less 48 of 80.
  const {
    value,
    low,
    high,
    moreThanChance,
    test: by,
  } = unpairedDifference({ accuracy: 48 / 80, n: 80 }, { accuracy: 56 / 70, n: 70 });
  near(value, 0.2, 1e-12);
  near(low, 0.0524, 5e-5);
  near(high, 0.3339, 5e-5);
  assert.deepEqual([moreThanChance, by], [true, 'proportions']);
  assert.equal(unpairedDifference({ accuracy: 0.6, n: 80 }, { accuracy: 0.65, n: 80 }).moreThanChance, false);
});

test('answers of unequal number are refused', () => {
  assert.throws(() => pairedDifference([true], []), RangeError);
});
