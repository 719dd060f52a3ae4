import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEAST, toldRate, toldShare, tooFewRows, tooFewTexts } from '../../../rapt/evaluation/index.ts';

test('a share is told in steps of 0.01 or more that are 5 rows wide or more', () => {
  const stepsOf = (n: number): string[] => [
    ...new Set(Array.from({ length: n + 1 }, (_, right) => String(toldShare(right / n, n)))),
  ];
  assert.deepEqual(stepsOf(20), ['0', '0.25', '0.5', '0.75', '1']);
  assert.deepEqual(stepsOf(40), ['0', '0.2', '0.4', '0.6', '0.8', '1']);
  for (let n: number = LEAST.rows; n <= 1200; n++) {
    const told = Array.from({ length: n + 1 }, (_, right) => toldShare(right / n, n));
    const values = [...new Set(told)];
    // The first and the last step are half as wide.
    for (const value of values.slice(1, -1))
      assert.ok(told.filter((one) => one === value).length >= 5, `${value} of ${n}`);
    assert.ok(
      values.every((value, at) => at === 0 || value - values[at - 1]! > 0.0099),
      `of ${n}`,
    );
    assert.ok(
      told.every((value, right) => value >= 0 && value <= 1 && Math.abs(value - right / n) <= 0.125 + 1e-12),
      `of ${n}`,
    );
  }
});

test('an interval is widened to whole steps', () => {
  assert.deepEqual(toldRate({ value: 0.517, low: 0.508, high: 0.526 }, 800), { value: 0.52, low: 0.5, high: 0.53 });
  assert.deepEqual(toldRate({ value: 0.29, low: 0.29, high: 0.29 }, 800), { value: 0.29, low: 0.29, high: 0.29 });
  assert.deepEqual(toldRate({ value: 0.97, low: 0.9, high: 0.99 }, 30), { value: 1, low: 0.8, high: 1 });
});

test('of few rows, texts or tokens nothing is told, and there is no share to ask for', () => {
  assert.deepEqual([tooFewRows(20), tooFewRows(19)], [null, 'not told: fewer than 20 test rows']);
  assert.deepEqual(
    [
      tooFewTexts({ texts: 20, tokens: 500 }),
      tooFewTexts({ texts: 19, tokens: 500 }),
      tooFewTexts({ texts: 20, tokens: 499 }),
    ],
    [null, 'not told: fewer than 20 texts', 'not told: fewer than 500 tokens'],
  );
  assert.throws(() => toldShare(0.5, 19), RangeError);
});
