import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { resultTable } from '../../cli/result-table.ts';
import type { TuningResult } from '../../contracts/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { tuned } from '../support/results.ts';

const UI = { uiUrl: 'http://127.0.0.1:8233', namespace: 'default' };

before(() => {
  process.env['RAPT_HOME'] = temporaryFolder();
});

const linesOf = (result: TuningResult, ui = UI as Parameters<typeof resultTable>[1]): string[] =>
  stripVTControlCharacters(resultTable(result, ui)).split('\n');
/** Cells of the rows with this name. */
const cells = (lines: readonly string[], name: string): string[] =>
  lines.filter((line) => line.startsWith(`${name}  `)).map((line) => line.slice(name.length).trim());

test('the link leads into the namespace that the run is in', () => {
  const link = (namespace: string, workflowId = 'pr-17'): string[] =>
    cells(linesOf({ ...tuned, workflowId }, { ...UI, namespace }), 'Temporal UI');
  assert.deepEqual(link('default'), ['http://127.0.0.1:8233/namespaces/default/workflows/pr-17']);
  assert.deepEqual(link('team.a1b2c'), ['http://127.0.0.1:8233/namespaces/team.a1b2c/workflows/pr-17']);
  assert.deepEqual(link('a/b', 'x/y'), ['http://127.0.0.1:8233/namespaces/a%2Fb/workflows/x%2Fy']);
});

test('a slash at the end of the address of the UI is not doubled', () => {
  const lines = linesOf(tuned, { ...UI, uiUrl: 'https://temporal.example.org/' });
  assert.deepEqual(cells(lines, 'Temporal UI'), ['https://temporal.example.org/namespaces/default/workflows/pr-17']);
});

test('there is no link when nobody said where the UI is', () => {
  assert.deepEqual(cells(linesOf(tuned, { ...UI, uiUrl: null }), 'Temporal UI'), []);
});

test('each gate has a line, with its value, its bound and where that comes from', () => {
  assert.deepEqual(linesOf(tuned).slice(-2), [
    'gate accuracy>=0.6: 0.6570 passed',
    'gate accuracy>=baseline-0.01: 0.6570 (bound 0.6700: run main-1 had 0.6800) missed',
  ]);
});

test('of a gate whose outcome is not told it is said who knows', () => {
  const gates = [{ gate: 'accuracy>=0.6', value: null, passed: null }];
  assert.equal(
    linesOf({ ...tuned, gates }).at(-1),
    'gate accuracy>=0.6: shown only on the machine that holds the texts missed',
  );
});

test('figures that did not leave the machine of the texts are not told', () => {
  const { confusion: _, ...metrics } = tuned.metrics.test;
  const lines = linesOf({
    ...tuned,
    metrics: { test: { ...metrics, accuracy: null, f1: null } },
    privacy: { ...tuned.privacy, unchangedRate: null },
  });
  assert.deepEqual(cells(lines, 'accuracy'), ['not told of 1500 held-out texts (macro F1 not told)']);
  assert.deepEqual(cells(lines, 'mechanism'), ['exponential, eta 14; not told of the tokens stayed themselves']);
});
