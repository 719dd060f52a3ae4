import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGates, evaluate, wilsonInterval } from '../../../rapt/evaluation/index.ts';

test('accuracy, macro F1, majority rate and confusion are those of a worked example', () => {
  const { accuracy, f1, n, majorityRate, confusion } = evaluate(Int32Array.of(0, 0, 0, 1, 1, 2), Int32Array.of(0, 0, 1, 1, 0, 0), 3);
  assert.deepEqual(confusion, [[2, 1, 0], [1, 1, 0], [1, 0, 0]]);
  assert.deepEqual({ accuracy, n, majorityRate }, { accuracy: 0.5, n: 6, majorityRate: 0.5 });
  // F1: class 0 4/7, class 1 1/2, class 2 0.
  assert.ok(Math.abs(f1 - (4 / 7 + 1 / 2 + 0) / 3) < 1e-12);
});

test('a class that is neither there nor predicted does not count', () => {
  assert.equal(evaluate(Int32Array.of(0, 1), Int32Array.of(0, 1), 3).f1, 1);
});

test('labels and predictions of unequal number are refused', () => {
  assert.throws(() => evaluate(Int32Array.of(0), new Int32Array(), 2), RangeError);
});

test('gates compare, and a metric that was not measured misses', () => {
  const values = { accuracy: 0.7, f1: 0.6, unchangedRate: 0.5, reconstructionAccuracy: null };
  const passed = (gates: Parameters<typeof checkGates>[0]): boolean[] => checkGates(gates, values).map((gate) => gate.passed);
  assert.deepEqual(passed({ accuracy: '>=0.7', f1: '> 0.6', unchangedRate: '<0.51', reconstructionAccuracy: '>=0' }), [true, false, true, false]);
  assert.deepEqual(checkGates({ accuracy: ' >= 0.7' }, values)[0], { gate: 'accuracy>=0.7', value: 0.7, passed: true });
});

test("Wilson's interval is that of the published example, and stays inside [0, 1]", () => {
  const { low, high } = wilsonInterval(0.1, 10);
  // Newcombe, Statistics in Medicine 17 (1998), method 3: 1 of 10.
  assert.ok(Math.abs(low - 0.0179) < 5e-4 && Math.abs(high - 0.4042) < 5e-4, `${low} ${high}`);
  assert.deepEqual(wilsonInterval(0, 0), { low: 0, high: 1 });
});
