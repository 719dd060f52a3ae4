import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../cli/options/configuration.ts';
import { nextId } from '../../cli/runs/plan.ts';
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
  const smaller = await loadConfig({ set: ['data.maxTrainRows=160'] }, false);
  assert.deepEqual(smaller.data, { ...data, maxTrainRows: 160 }, 'what is set changes the default run');
  assert.equal((await loadConfig({ set: ['data.train=/a/b.csv'] }, false)).data.maxTrainRows, undefined);
});

test('YAML and JSON are read, --set overrides, --gate adds', async () => {
  const file = configFile('data: { train: /a/b.csv }\ntuning:\n  epochs: 2\n');
  const config = await loadConfig(
    {
      file,
      set: ['tuning.epochs=7', 'data.textColumn=the text', 'tuning.reconstruction=false'],
      gate: ['accuracy >= 0.7'],
    },
    false,
  );
  assert.equal(config.tuning.epochs, 7);
  assert.equal(config.data.textColumn, 'the text');
  assert.equal(config.tuning.reconstruction, false);
  assert.deepEqual(config.gates, { accuracy: '>= 0.7' });
});

test('paths in a file are relative to its folder, those of --set to the current one; names stay', async () => {
  mkdirSync(join(folder, 'model'), { recursive: true });
  writeFileSync(join(folder, 'model', 'config.json'), '{}');
  const file = configFile(
    'data: { train: a/b.csv, test: ../c.csv }\nbackbone: model\naudit: { publicText: public.txt }\n',
  );
  const { data, backbone, audit } = await loadConfig({ file }, false);
  assert.deepEqual(
    [data.train, data.test, backbone, audit.publicText],
    [join(folder, 'a', 'b.csv'), join(folder, '..', 'c.csv'), join(folder, 'model'), join(folder, 'public.txt')],
  );
  const set = await loadConfig(
    { file, set: ['data.train=a/b.csv', 'audit={"publicText": "public.txt"}', 'data.test=/c.csv'] },
    false,
  );
  assert.deepEqual(
    [set.data.train, set.data.test, set.audit.publicText],
    [join(process.cwd(), 'a', 'b.csv'), '/c.csv', join(process.cwd(), 'public.txt')],
  );
  const named = await loadConfig(
    {
      file: configFile(
        'data: { train: s3://bucket/a.csv, test: movie-reviews }\nbackbone: sentence-transformers/all-MiniLM-L6-v2\n',
      ),
    },
    false,
  );
  assert.deepEqual(
    [named.data.train, named.data.test, named.backbone],
    ['s3://bucket/a.csv', 'movie-reviews', 'sentence-transformers/all-MiniLM-L6-v2'],
  );
});

test('a path that was meant as seen from the current folder is told how to be written', async () => {
  const file = configFile('data: { train: package.json.csv }\n');
  const here = join(process.cwd(), 'package.json.csv');
  writeFileSync(here, 'text,label\na,b\n');
  try {
    await assert.rejects(loadConfig({ file }, true), (error: unknown) => {
      assert.ok(error instanceof BadInput);
      assert.equal(
        error.message,
        `${join(folder, 'package.json.csv')}: does not exist; paths in ${file} are relative to the folder that it ` +
          `lies in: write ${relative(folder, here)}`,
      );
      return true;
    });
  } finally {
    rmSync(here);
  }
});

test('gates of the command line take the place of the file’s on the same metric, and several all hold', async () => {
  const file = configFile('gates: { accuracy: ">=0.5", f1: [">=0.4", "<=0.9"] }\nbaseline: main-1\n');
  const { gates, baseline } = await loadConfig(
    { file, gate: ['accuracy >= 0.7', 'accuracy >= baseline - 0.01'], baseline: 'main-2' },
    false,
  );
  assert.deepEqual(gates, { accuracy: ['>= 0.7', '>= baseline - 0.01'], f1: ['>=0.4', '<=0.9'] });
  assert.equal(baseline, 'main-2');
});

test('a gate against a baseline needs one that is named', async () => {
  assert.deepEqual(await problems({ gate: ['accuracy >= baseline - 0.01'] }), [
    'gates.accuracy: compares with a baseline, and none is named; set baseline to the id of a finished run ' +
      '(--baseline ID)',
  ]);
  for (const condition of ['high', '>= baseline * 2']) {
    assert.deepEqual(await problems({ file: configFile(`gates: { accuracy: "${condition}" }`) }), [
      'gates.accuracy: write a condition such as ">=0.7" or ">= baseline - 0.01"',
    ]);
  }
});

test('a baseline that has not finished here is one clear line, before anything is started', async () => {
  const home = process.env['RAPT_HOME'];
  process.env['RAPT_HOME'] = join(folder, 'home');
  try {
    await assert.rejects(
      loadConfig({ gate: ['accuracy>=baseline'], baseline: 'never-ran' }, true),
      (error: unknown) =>
        error instanceof BadInput &&
        error.message ===
          'baseline: run never-ran has not finished on this client (tenant local); give the id of one that has',
    );
  } finally {
    if (home === undefined) delete process.env['RAPT_HOME'];
    else process.env['RAPT_HOME'] = home;
  }
});

test('everything that is wrong is told at once', async () => {
  const told = await problems({
    file: configFile('tenant: "A B"\ntuning: { epochs: 0, colour: red }\n'),
    set: ['epochs'],
    gate: ['accuracy'],
  });
  assert.equal(told.length, 5, told.join('\n'));
});

test('a file that is not there, or is no object, is named', async () => {
  assert.match((await problems({ file: join(folder, 'none.yaml') }))[0] ?? '', /none\.yaml: does not exist/);
  assert.match(
    (await problems({ file: configFile('a: [1') }))[0] ?? '',
    /line \d+, column \d+: is neither JSON nor YAML/,
  );
  assert.match((await problems({ file: configFile('[1, 2]') }))[0] ?? '', /must hold one object/);
});

test('a table that is not there is told before anything is started', async () => {
  await assert.rejects(
    loadConfig({ set: ['data.train=/no/such.csv'] }, true),
    (error: unknown) => error instanceof BadInput && /\/no\/such\.csv: does not exist/.test(error.message),
  );
});

test('resumed runs are numbered', () => {
  assert.deepEqual(['nightly', 'nightly-r2', 'a-r9'].map(nextId), ['nightly-r2', 'nightly-r3', 'a-r10']);
});
