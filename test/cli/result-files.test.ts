import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ResultFiles } from '../../cli/ci/files.ts';
import type { AskedRun } from '../../cli/ci/outcome.ts';
import { BadInput } from '../../contracts/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { readJunit } from '../support/junit.ts';
import { tuned } from '../support/results.ts';

const folder = temporaryFolder();
const run: AskedRun = { id: 'pr-17', tenant: 'local', gates: { accuracy: '>=0.6' } };
const at = (name: string): string => join(folder, 'new', name);
const read = (name: string): string => readFileSync(at(name), 'utf8');

test('until the end is known, files say that it is not; then they tell it, beside what others wrote', async () => {
  const outputs = join(folder, 'outputs');
  writeFileSync(outputs, 'other=1\n');
  const report = join(folder, 'page.html');
  writeFileSync(report, '<p>page</p>');
  const files = new ResultFiles({
    junit: at('junit.xml'),
    summary: at('summary.md'),
    outputs,
    report: at('report.html'),
  });
  files.begin(run);
  assert.equal(readJunit(read('junit.xml')).cases['rapt run']!.type, 'unknown');
  assert.match(read('summary.md'), /came out in a way that is not known/);
  assert.deepEqual(readFileSync(outputs, 'utf8').split('\n'), [
    'other=1',
    'rapt_run_id=pr-17',
    'rapt_passed=false',
    'rapt_accuracy=',
    'rapt_adapter_uri=',
    'rapt_adapter_sha256=',
    'rapt_report=',
    '',
  ]);
  await files.end(run, { result: { ...tuned, report: { ...tuned.report, path: report } }, exitCode: 0 });
  assert.equal(readJunit(read('junit.xml')).cases['rapt run']!.outcome, 'passed');
  assert.match(read('summary.md'), /65\.7 % accuracy/);
  assert.equal(read('report.html'), '<p>page</p>');
  assert.deepEqual(readFileSync(outputs, 'utf8').split('\n'), [
    'other=1',
    'rapt_run_id=pr-17',
    'rapt_passed=true',
    'rapt_accuracy=0.657',
    `rapt_adapter_uri=${tuned.adapter.uri}`,
    `rapt_adapter_sha256=${tuned.adapter.sha256}`,
    `rapt_report=${at('report.html')}`,
    '',
  ]);
});

test('a value cannot begin an output of its own', () => {
  const outputs = join(folder, 'injected');
  new ResultFiles({ outputs }).begin({ ...run, id: 'x\nrapt_passed=true' });
  assert.deepEqual(
    readFileSync(outputs, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('rapt_passed')),
    ['rapt_passed=false'],
  );
});

test('a file that cannot be written is told before anything is started', () => {
  assert.throws(
    () => new ResultFiles({ junit: folder }).begin(run),
    (error: unknown) => error instanceof BadInput && /^--junit: .* cannot be written \(EISDIR\)/.test(error.message),
  );
});
