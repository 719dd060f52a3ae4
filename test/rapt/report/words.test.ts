import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GateResult } from '../../../contracts/index.ts';
import { exactGate, gateInWords, gatesTogether, roundedGate, verdict } from '../../../rapt/report/gate-words.ts';
import { attackName } from '../../../rapt/report/words.ts';

const against: GateResult = {
  gate: 'accuracy>=baseline-0.01',
  value: 0.65701234,
  passed: false,
  bound: 0.67,
  baseline: { run: 'main-1', value: 0.68 },
};

test('a gate is said with four significant digits in tables, rounded on a terminal, and exactly in JUnit', () => {
  assert.deepEqual(gateInWords(against), {
    found: '0.657',
    bound: '0.67',
    baseline: { run: 'main-1', value: '0.68' },
  });
  assert.equal(roundedGate(against), 'accuracy>=baseline-0.01: 0.6570 (bound 0.6700: run main-1 had 0.6800)');
  assert.equal(exactGate(against), 'accuracy>=baseline-0.01: measured 0.65701234, bound 0.67 (run main-1 had 0.68)');
});

const WITHOUT_VALUE: readonly (readonly [why: string, gate: Partial<GateResult>, found: string])[] = [
  ['its reason', { passed: false, reason: 'not told: fewer than 20 texts' }, 'not told: fewer than 20 texts'],
  ['that nothing was measured', { passed: false }, 'not measured'],
  ['who knows the outcome', { passed: null }, 'shown only on the machine that holds the texts'],
];
for (const [why, given, found] of WITHOUT_VALUE)
  test(`of a gate without a value is said ${why}`, () => {
    const gate = { gate: 'f1>=0.5', value: null, passed: null, ...given };
    assert.equal(roundedGate(gate), `f1>=0.5: ${found}`);
    assert.equal(exactGate(gate), `f1>=0.5: ${found}`);
  });

test('a gate without a value is missed, also where nobody was told it', () => {
  assert.equal(verdict({ passed: true }), 'passed');
  assert.equal(verdict({ passed: false }), 'missed');
  assert.equal(verdict({ passed: null }), 'missed');
});

test('a table has no room to say who knows the outcome of a gate', () => {
  assert.equal(gateInWords({ gate: 'f1>=0.5', value: null, passed: null }).found, 'not told');
});

test('all gates are said in one phrase', () => {
  assert.equal(gatesTogether(0, 1, 'holds'), '✓ the gate holds');
  assert.equal(gatesTogether(0, 2, 'holds'), '✓ all 2 gates hold');
  assert.equal(gatesTogether(0, 2, 'passed'), '✓ all 2 gates passed');
  assert.equal(gatesTogether(1, 2, 'holds'), '✗ 1 of 2 gates missed');
});

test('an attack that this version does not know goes by its own name', () => {
  assert.equal(attackName('bayes'), "Bayes' rule with the prior that the release gives away");
  assert.equal(attackName('later'), 'later');
});
