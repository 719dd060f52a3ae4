import assert from 'node:assert/strict';
import { test } from 'node:test';
import { junitReport } from '../../cli/ci/junit.ts';
import { aborted, UNKNOWN, type AskedRun, type Outcome } from '../../cli/ci/outcome.ts';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import { readJunit, type Report } from '../support/junit.ts';
import { AWKWARD, tuned } from '../support/results.ts';

const run: AskedRun = {
  id: 'pr-17',
  tenant: 'local',
  gates: { accuracy: ['>=0.6', '>= baseline - 0.01'], f1: '>= 0.5' },
};
const report = (outcome: Outcome, of: AskedRun = run): Report =>
  readJunit(junitReport(of, outcome, { startedAt: new Date(), seconds: 12.5 }));

test('a finished run is a passed test case, and each gate one with its condition, value and bound', () => {
  const { suite, cases, properties } = report({ result: tuned, exitCode: 3 });
  assert.equal(suite, 'rapt run pr-17');
  assert.deepEqual(
    Object.entries(cases).map(([name, { outcome }]) => [name, outcome]),
    [
      ['rapt run', 'passed'],
      ['rapt.gate accuracy>=0.6', 'passed'],
      ['rapt.gate accuracy>=baseline-0.01', 'failure'],
    ],
  );
  assert.equal(cases['rapt.gate accuracy>=0.6']!.output, 'accuracy>=0.6: measured 0.657, bound 0.6');
  const { message, text, type } = cases['rapt.gate accuracy>=baseline-0.01']!;
  assert.deepEqual(
    { message, text, type },
    {
      message: 'accuracy>=baseline-0.01: measured 0.657, bound 0.67 (run main-1 had 0.68)',
      text: message,
      type: 'gate',
    },
  );
  assert.deepEqual(properties, {
    run: 'pr-17',
    accuracy: '0.657',
    mechanism: 'exponential',
    eta: '14',
    adapter: tuned.adapter.sha256,
    release: tuned.release.sha256,
    report: tuned.report.uri,
  });
});

test('a run without a result is an error, and its gates are skipped, not passed', () => {
  const { cases, properties } = report({
    result: null,
    status: 'failed',
    message: 'the loss is no longer a number\n`rapt resume` goes on',
    exitCode: 1,
  });
  const { outcome, message, type, text } = cases['rapt run']!;
  assert.deepEqual(
    { outcome, message, type, text },
    {
      outcome: 'error',
      message: 'the run failed',
      type: 'failed',
      text: 'the loss is no longer a number\n`rapt resume` goes on',
    },
  );
  assert.deepEqual(
    Object.entries(cases)
      .slice(1)
      .map(([name, found]) => [name, found.outcome]),
    [
      ['rapt.gate accuracy>=0.6', 'skipped'],
      ['rapt.gate accuracy>=baseline-0.01', 'skipped'],
      ['rapt.gate f1>=0.5', 'skipped'],
    ],
  );
  assert.deepEqual(properties, { run: 'pr-17' });
});

test('every way to end without a result is told apart', () => {
  const without = (outcome: Outcome): string => report(outcome).cases['rapt run']!.message;
  const message = 'why';
  assert.equal(without({ result: null, status: 'running', message, exitCode: 4 }), 'the run has not ended in time');
  assert.equal(
    without({ result: null, status: 'running', message, exitCode: 130 }),
    'the run goes on; the waiting was interrupted',
  );
  assert.equal(without({ result: null, status: 'cancelled', message, exitCode: 130 }), 'the run was cancelled');
  assert.equal(without(aborted(new BadInput([{ where: 'a', problem: 'b' }]))), 'the run was refused');
  assert.equal(without(aborted(new RaptError(ErrorKind.unavailable, 'down'))), 'the run could not be carried out');
  assert.equal(without(UNKNOWN), 'the run came out in a way that is not known');
});

test('an error that is not ours is named and not quoted: it may hold a text', () => {
  const { text } = report(aborted(new TypeError('cannot read "Dear Sir"'))).cases['rapt run']!;
  assert.match(text, /^unexpected TypeError/);
  assert.doesNotMatch(text, /Dear/);
});

test('any name and message comes through, with a sign for each character that XML does not have', () => {
  // What is no character of XML 1.0: controls, lone surrogates, two non-characters.
  const expected = AWKWARD.replaceAll(/[\u0000-\u0008\u001b\ufffe]/g, '\ufffd').replaceAll(/\p{Surrogate}/gu, '\ufffd');
  const gate = `attribute.${AWKWARD}>=0.5`;
  const result = {
    ...tuned,
    gates: [{ gate, value: 0.1, passed: false, bound: 0.5, baseline: { run: AWKWARD, value: 0.5 } }],
  };
  const { suite, cases } = report({ result, exitCode: 3 }, { ...run, id: AWKWARD });
  assert.equal(suite, `rapt run ${expected}`);
  assert.equal(cases[`rapt.gate attribute.${expected}>=0.5`]!.outcome, 'failure');
  assert.ok(cases[`rapt.gate attribute.${expected}>=0.5`]!.text.includes(expected));
  assert.equal(
    report({ result: null, status: 'failed', message: AWKWARD, exitCode: 1 }).cases['rapt run']!.text,
    expected,
  );
});
