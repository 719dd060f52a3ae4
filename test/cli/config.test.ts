import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../cli/config.ts';
import { nextId } from '../../cli/commands/run.ts';
import { BadInput } from '../../contracts/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();
let files = 0;
function configFile(text: string): string {
  const path = join(folder, `${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}
const problems = async (options: Parameters<typeof loadConfig>[0]): Promise<string[]> =>
  loadConfig(options, false).then(
    () => [],
    (error: unknown) => (error as BadInput).problems.map(({ where, problem }) => `${where}: ${problem}`),
  );

test('no configuration at all is the default run', async () => {
  const { data, privacy } = await loadConfig({}, false);
  assert.equal(data.train, 'movie-reviews');
  assert.equal(privacy.mechanism, 'exponential');
});

test('YAML and JSON are read, --set overrides, --gate adds, paths become absolute', async () => {
  const file = configFile('data: { train: a/b.csv }\ntuning:\n  epochs: 2\n');
  const config = await loadConfig({ file, set: ['tuning.epochs=7', 'data.textColumn=the text', 'tuning.reconstruction=false'], gate: ['accuracy >= 0.7'] }, false);
  assert.equal(config.tuning.epochs, 7);
  assert.equal(config.data.textColumn, 'the text');
  assert.equal(config.tuning.reconstruction, false);
  assert.equal(config.data.train, join(process.cwd(), 'a/b.csv'));
  assert.deepEqual(config.gates, { accuracy: '>= 0.7' });
});

test('gates given on the command line take the place of the file’s on the same metric, and several on one metric all hold', async () => {
  const file = configFile('gates: { accuracy: ">=0.5", f1: [">=0.4", "<=0.9"] }\nbaseline: main-1\n');
  const { gates, baseline } = await loadConfig({ file, gate: ['accuracy >= 0.7', 'accuracy >= baseline - 0.01'], baseline: 'main-2' }, false);
  assert.deepEqual(gates, { accuracy: ['>= 0.7', '>= baseline - 0.01'], f1: ['>=0.4', '<=0.9'] });
  assert.equal(baseline, 'main-2');
});

test('a gate against a baseline needs one that is named', async () => {
  assert.deepEqual(await problems({ gate: ['accuracy >= baseline - 0.01'] }), ['gates.accuracy: compares with a baseline, and none is named; set baseline to the id of a finished run (--baseline ID)']);
  for (const condition of ['high', '>= baseline * 2']) {
    assert.deepEqual(await problems({ file: configFile(`gates: { accuracy: "${condition}" }`) }), ['gates.accuracy: write a condition such as ">=0.7" or ">= baseline - 0.01"']);
  }
});

test('a baseline that has not finished here is one clear line, before anything is started', async () => {
  const home = process.env['RAPT_HOME'];
  process.env['RAPT_HOME'] = join(folder, 'home');
  try {
    await assert.rejects(loadConfig({ gate: ['accuracy>=baseline'], baseline: 'never-ran' }, true), (error: unknown) => error instanceof BadInput && error.message === 'baseline: run never-ran has not finished on this client (tenant local); give the id of one that has');
  } finally {
    if (home === undefined) delete process.env['RAPT_HOME'];
    else process.env['RAPT_HOME'] = home;
  }
});

test('everything that is wrong is told at once', async () => {
  const told = await problems({ file: configFile('tenant: "A B"\ntuning: { epochs: 0, colour: red }\n'), set: ['epochs'], gate: ['accuracy'] });
  assert.equal(told.length, 5, told.join('\n'));
});

test('a file that is not there, or is no object, is named', async () => {
  assert.match((await problems({ file: join(folder, 'none.yaml') }))[0] ?? '', /none\.yaml: does not exist/);
  assert.match((await problems({ file: configFile('a: [1') }))[0] ?? '', /line \d+, column \d+: is neither JSON nor YAML/);
  assert.match((await problems({ file: configFile('[1, 2]') }))[0] ?? '', /must hold one object/);
});

test('a table that is not there is told before anything is started', async () => {
  await assert.rejects(loadConfig({ set: ['data.train=/no/such.csv'] }, true), (error: unknown) => error instanceof BadInput && /\/no\/such\.csv: does not exist/.test(error.message));
});

test('resumed runs are numbered', () => {
  assert.deepEqual(['nightly', 'nightly-r2', 'a-r9'].map(nextId), ['nightly-r2', 'nightly-r3', 'a-r10']);
});
