import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGateCondition } from '../../../contracts/index.ts';
import { checkGates, evaluate, gateValues, wilsonInterval } from '../../../rapt/evaluation/index.ts';

test('accuracy, macro F1, majority rate and confusion are those of a worked example', () => {
  const { accuracy, f1, n, majorityRate, confusion } = evaluate(
    Int32Array.of(0, 0, 0, 1, 1, 2),
    Int32Array.of(0, 0, 1, 1, 0, 0),
    3,
  );
  assert.deepEqual(confusion, [
    [2, 1, 0],
    [1, 1, 0],
    [1, 0, 0],
  ]);
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
  const passed = (gates: Parameters<typeof checkGates>[0]): (boolean | null)[] =>
    checkGates(gates, values).map((gate) => gate.passed);
  assert.deepEqual(passed({ accuracy: '>=0.7', f1: '> 0.6', unchangedRate: '<0.51', reconstructionAccuracy: '>=0' }), [
    true,
    false,
    true,
    false,
  ]);
  assert.deepEqual(checkGates({ accuracy: ' >= 0.7' }, values)[0], {
    gate: 'accuracy>=0.7',
    value: 0.7,
    passed: true,
    bound: 0.7,
  });
});

test('a condition is a comparison with a number or with the baseline, and nothing else is one', () => {
  assert.deepEqual(parseGateCondition('<= -1.5e-3'), { comparison: '<=', against: 'zero', offset: -0.0015 });
  assert.deepEqual(parseGateCondition(' >= baseline - 0.01 '), {
    comparison: '>=',
    against: 'baseline',
    offset: -0.01,
  });
  assert.deepEqual(parseGateCondition('<baseline+1e-2'), { comparison: '<', against: 'baseline', offset: 0.01 });
  assert.deepEqual(parseGateCondition('== baseline'), { comparison: '==', against: 'baseline', offset: 0 });
  for (const none of [
    '',
    'high',
    '0.7',
    '>=',
    '>= 0.7 or more',
    '>= baseline * 2',
    '>= baseline -',
    '>= baseline - -1',
    '=> 0.7',
    '>= other - 0.01',
  ])
    assert.equal(parseGateCondition(none), null, none);
});

test('a gate against the baseline is held against what that run reached, and tells the bound', () => {
  const baseline = { run: 'main-1', values: { accuracy: 0.8, f1: 0.5, bayes: 0.4, learned: null } };
  const check = (gates: Parameters<typeof checkGates>[0], values: Parameters<typeof checkGates>[1]) =>
    checkGates(gates, values, baseline);
  assert.deepEqual(check({ accuracy: '>= baseline - 0.1' }, { accuracy: 0.7 }), [
    { gate: 'accuracy>=baseline-0.1', value: 0.7, passed: true, bound: 0.7, baseline: { run: 'main-1', value: 0.8 } },
  ]);
  assert.deepEqual(
    check(
      { accuracy: '>= baseline - 0.1', f1: '> baseline', bayes: '<= baseline + 0.01' },
      { accuracy: 0.699, f1: 0.5, bayes: 0.41 },
    ).map(({ passed }) => passed),
    [false, false, true],
  );
  const third = { accuracy: 1 / 3 };
  assert.deepEqual(
    ['>= baseline', '<= baseline', '== baseline'].map(
      (accuracy) => checkGates({ accuracy }, third, { run: 'r', values: third })[0]!.passed,
    ),
    [true, true, true],
  );
  const [lacking] = check({ learned: '<= baseline' }, { learned: 0.2 });
  assert.deepEqual(lacking, { gate: 'learned<=baseline', value: 0.2, passed: false });
  assert.equal(checkGates({ accuracy: '>= baseline' }, third)[0]!.passed, false, 'without a baseline');
});

test('several conditions on one metric are gates of their own', () => {
  const checked = checkGates(
    { accuracy: ['>=0.6', '>= baseline'] },
    { accuracy: 0.65 },
    { run: 'r', values: { accuracy: 0.7 } },
  );
  assert.deepEqual(
    checked.map(({ gate, passed }) => [gate, passed]),
    [
      ['accuracy>=0.6', true],
      ['accuracy>=baseline', false],
    ],
  );
});

test('what a gate can be put on comes from the test rows, the release and the attacks', () => {
  const rate = (value: number) => ({ value, low: value, high: value });
  const audit = {
    attacks: [{ attack: 'bayes', success: rate(0.5), priorOnly: rate(0.1), n: 9 }],
    attributes: [
      { attribute: 'age', values: 2, success: rate(0.6), priorOnly: rate(0.5), onPlainText: rate(0.9), n: 9 },
    ],
    deniability: {
      types: 3,
      draws: 9,
      staysItself: { p05: 0, p50: 0.2, p95: 1 },
      differentOutputs: { p05: 1, p50: 5, p95: 9 },
    },
  };
  assert.deepEqual(gateValues({ test: { accuracy: 0.7, f1: 0.6, reconstruction: null }, unchangedRate: 0.5, audit }), {
    accuracy: 0.7,
    f1: 0.6,
    unchangedRate: 0.5,
    reconstructionAccuracy: null,
    bayes: 0.5,
    'attribute.age': 0.6,
    staysItself: 0.2,
    differentOutputs: 5,
  });
});

test("Wilson's interval is that of the published example, and stays inside [0, 1]", () => {
  const { low, high } = wilsonInterval(0.1, 10);
  // Newcombe, Statistics in Medicine 17 (1998), method 3: 1 of 10.
  assert.ok(Math.abs(low - 0.0179) < 5e-4 && Math.abs(high - 0.4042) < 5e-4, `${low} ${high}`);
  assert.deepEqual(wilsonInterval(0, 0), { low: 0, high: 1 });
});
