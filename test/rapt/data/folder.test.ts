import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { BadInput, tuningConfigSchema } from '../../../contracts/index.ts';
import {
  hashTable,
  inspectColumns,
  inspectTables,
  readTable,
  resolveTables,
  surveyTable,
  versionOf,
} from '../../../rapt/data/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const home = temporaryFolder();

/** A folder of these files. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(home, 'dataset-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const jsonl = (...texts: string[]): string =>
  texts.map((text, at) => `${JSON.stringify({ text, label: at % 2 === 0 ? 'a' : 'b' })}\n`).join('');
const parquet = (...texts: string[]): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'text', data: texts, type: 'STRING' },
        { name: 'label', data: texts.map((_, at) => (at % 2 === 0 ? 'a' : 'b')), type: 'STRING' },
      ],
    }),
  );

async function textsOf(address: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { number, text } of readTable(address, { text: 'text', label: 'label' })) {
    assert.equal(number, texts.length, 'rows are numbered on from file to file');
    texts.push(text);
  }
  return texts;
}

const configOf = (train: string) => tuningConfigSchema.parse({ data: { train } }).data;
const tablesOf = (train: string) => resolveTables(configOf(train));

async function refusal(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    assert.ok(error instanceof BadInput, String(error));
    return error.message.replaceAll(home, '').replaceAll(/dataset-\w+/g, 'ds');
  }
  return assert.fail('it was not refused');
}

describe('a data set folder of Hugging Face', () => {
  it('may name its splits by files, as the hub does, several for each and of any format', async () => {
    const folder = folderOf({
      'data/train-00000-of-00002.parquet': parquet('one', 'two'),
      'data/train-00001-of-00002.parquet': parquet('three'),
      'data/test-00000-of-00001.jsonl.gz': gzipSync(jsonl('four', 'five')),
      'README.md': '# A card without a head\n',
      '.git/train.csv': 'text,label\nhidden,a\n',
    });
    assert.deepEqual(await textsOf(folder), ['one', 'two', 'three']);
    const { train, test } = await tablesOf(folder);
    assert.equal(train, folder);
    assert.deepEqual(await textsOf(test!), ['four', 'five']);
    const { rows, classes } = await inspectTables(configOf(folder));
    assert.deepEqual([rows, classes], [{ train: 3, test: 2 }, ['a', 'b']]);
    assert.deepEqual((await surveyTable(folder)).rows, 3);
  });

  it('may name its splits by folders, and is tested on a validation split if there is no test split', async () => {
    const folder = folderOf({ 'train/0.csv': 'text,label\none,a\n', 'dev/0.csv': 'text,label\ntwo,b\n' });
    assert.deepEqual(await textsOf(folder), ['one']);
    assert.deepEqual(await textsOf((await tablesOf(folder)).test!), ['two']);
  });

  it('without names of splits is all training rows', async () => {
    const folder = folderOf({ 'b.tsv': 'text\tlabel\ntwo\tb\n', 'a.tsv': 'text\tlabel\none\ta\n' });
    assert.deepEqual(await textsOf(folder), ['one', 'two']);
    assert.equal((await tablesOf(folder)).test, null);
  });

  it('may name configurations, splits, patterns and folders in the head of its card', async () => {
    const folder = folderOf({
      'README.md': [
        '---',
        'license: mit',
        'configs:',
        '- config_name: short',
        '  default: true',
        '  data_files:',
        '  - split: train',
        '    path: "x/part-*.jsonl"',
        '  - split: test',
        '    path: [x/held.jsonl]',
        '- config_name: long',
        '  data_dir: y',
        '---',
        '# Card',
        '',
      ].join('\n'),
      'x/part-1.jsonl': jsonl('one'),
      'x/part-2.jsonl': jsonl('two'),
      'x/held.jsonl': jsonl('three'),
      'y/train.jsonl': jsonl('four'),
      'y/test.jsonl': jsonl('five'),
    });
    assert.deepEqual(await textsOf(folder), ['one', 'two']);
    assert.deepEqual(await textsOf((await tablesOf(folder)).test!), ['three']);
    assert.deepEqual(await textsOf(`${folder}#test`), ['three']);
    assert.deepEqual(await textsOf(`${folder}#long`), ['four']);
    assert.deepEqual(await textsOf((await tablesOf(`${folder}#long`)).test!), ['five']);
    assert.deepEqual(await textsOf(`${folder}#long/test`), ['five']);
    assert.equal(await refusal(textsOf(`${folder}#middle`)), '/ds#middle: has no such configuration or split');
  });

  it('may be as save_to_disk of datasets 5.2 wrote it: a folder for each split, of any name', async () => {
    const saved = fileURLToPath(new URL('../../fixtures/save-to-disk', import.meta.url));
    assert.deepEqual(
      await textsOf(saved),
      [0, 1, 2, 3, 4].map((at) => `train ${at} é🎬`),
    );
    assert.deepEqual(await textsOf(`${saved}#holdout`), ['holdout 0 é🎬', 'holdout 1 é🎬']);
    const rows: (string | null)[][] = [];
    for await (const { text, label } of readTable(join(saved, 'train'), { text: 'stars', label: 'label' }))
      rows.push([text, label]);
    assert.deepEqual(
      rows,
      [
        ['0', 'neg'],
        ['1', 'pos'],
        ['2', 'neg'],
        ['3', 'pos'],
        ['4', 'neg'],
      ],
      'numbers of classes have names, others none',
    );
  });

  const labelled = (labels: readonly (string | number | null | undefined)[]): string =>
    labels.map((label, at) => `${JSON.stringify({ text: `text ${at}`, label })}\n`).join('');
  const trainingRows = labelled([0, 1, 0, 1, 1, 0, 1, 0]);

  for (const [what, files] of Object.entries({
    '-1 for labels': { 'validation.jsonl': labelled([1]), 'test.jsonl': labelled([-1, -1]) },
    'empty labels': { 'dev.jsonl': labelled([1]), 'test.jsonl': labelled([null, null]) },
    'no column of labels': { 'val.jsonl': labelled([1]), 'test.jsonl': labelled([undefined]) },
  }))
    it(`is tested on its validation split where its test split has ${what}`, async () => {
      const folder = folderOf({ 'train.jsonl': trainingRows, ...files });
      const { rows } = await inspectTables(configOf(folder));
      assert.deepEqual(rows, { train: 8, test: 1 });
      const tables = { train: folder, test: `${folder}#validation`, unlabelledTest: `${folder}#test` };
      assert.deepEqual(await tablesOf(folder), tables);
    });

  it('is tested on training rows where neither test split nor validation split has labels', async () => {
    for (const files of [
      { 'validation.jsonl': labelled([null]), 'test.jsonl': labelled([-1]) },
      { 'test.jsonl': labelled([-1]) },
    ]) {
      const folder = folderOf({ 'train.jsonl': trainingRows, ...files });
      const { rows } = await inspectTables(configOf(folder));
      assert.deepEqual(rows, { train: 5, test: 3 });
      const tables = { train: folder, test: null, unlabelledTest: `${folder}#test` };
      assert.deepEqual(await tablesOf(folder), tables);
    }
  });

  it('is tested on its test split where -1 is a class of the training rows, or one row has a label', async () => {
    for (const files of [
      { 'train.jsonl': labelled([-1, 0, 1]), 'test.jsonl': labelled([-1]) },
      { 'train.jsonl': trainingRows, 'test.jsonl': labelled([null, -1, 1]) },
    ]) {
      const folder = folderOf({ 'validation.jsonl': labelled([1]), ...files });
      assert.deepEqual(await tablesOf(folder), { train: folder, test: `${folder}#test` });
    }
  });

  it('is tested on the split whose name is most like a validation split', async () => {
    const split = (name: string): string => `  - split: ${name}\n    path: ${name}.jsonl\n`;
    const names = ['train', 'test', 'validation_mismatched', 'validation_matched'];
    const unlabelled = '{"text":"x","label":-1}\n';
    const folder = folderOf({
      'README.md': `---\nconfigs:\n- config_name: mnli\n  data_files:\n${names.map(split).join('')}---\n`,
      ...Object.fromEntries(names.map((name) => [`${name}.jsonl`, name === 'test' ? unlabelled : jsonl('one', 'two')])),
    });
    assert.equal((await tablesOf(folder)).test, `${folder}#validation_matched`);
    // Where nothing needs to take the test split's place, such a name stands for no test rows, as ever.
    rmSync(join(folder, 'test.jsonl'));
    writeFileSync(
      join(folder, 'README.md'),
      `---\nconfigs:\n- config_name: mnli\n  data_files:\n${names
        .filter((name) => name !== 'test')
        .map(split)
        .join('')}---\n`,
    );
    assert.deepEqual(await tablesOf(folder), { train: folder, test: null });
  });

  it('has its usual tables, whatever of other kinds lies beside them', async () => {
    const feather = 'not looked at';
    const folder = folderOf({
      'train.csv': 'text,label\none,a\n',
      'train.feather': feather,
      'train.json': '{}',
      'train.csv.zst': feather,
    });
    assert.deepEqual(await textsOf(folder), ['one']);
    assert.deepEqual(await textsOf(folderOf({ 'train.json': jsonl('two'), 'dataset_info.json': '{}' })), ['two']);
  });

  it('that cannot be understood is refused with what is wrong', async () => {
    assert.match(
      await refusal(textsOf(folderOf({ 'notes.txt': 'x' }))),
      /^\/ds: is not a file, nor a data set's folder: no .csv, .tsv, .jsonl, .parquet or .arrow lies in it$/,
    );
    assert.match(
      await refusal(textsOf(folderOf({ 'dataset_dict.json': '{', 'train/data-00000-of-00001.arrow': 'x' }))),
      /^\/ds\/dataset_dict\.json: is not as Hugging Face has it/,
    );
    const card = (head: string) => folderOf({ 'README.md': `---\n${head}\n---\n`, 'x.csv': 'text,label\none,a\n' });
    assert.match(await refusal(textsOf(card('configs: [a'))), /^\/ds\/README\.md: has a head that is not YAML/);
    assert.match(
      await refusal(textsOf(card('configs:\n- data_files: 7'))),
      /^\/ds\/README\.md, configs\.0\.data_files: is not as Hugging Face has it/,
    );
    assert.match(
      await refusal(textsOf(card('configs:\n- config_name: c\n  data_files: y.csv'))),
      /^\/ds\/README\.md, configs, c, train: names files that are not in the folder/,
    );
    assert.match(
      await refusal(
        textsOf(card('configs:\n- config_name: c\n  data_files: x.csv\n- config_name: d\n  data_files: x.csv')),
      ),
      /^\/ds: has 2 configurations and no default; name one, as in FOLDER#NAME/,
    );
    assert.match(
      await refusal(textsOf(folderOf({ 'test.csv': 'text,label\none,a\n', 'dev.csv': 'text,label\none,a\n' }))),
      /^\/ds: has no split "train"; name another, as in FOLDER#SPLIT/,
    );
    assert.deepEqual(await inspectColumns(configOf(join(home, 'nowhere'))), [
      {
        where: join(home, 'nowhere'),
        problem: 'does not exist on the machine of the client worker; give the path of a table there',
      },
    ]);
    assert.match(
      await refusal(textsOf('gs://bucket/table.csv')),
      /^gs:\/\/bucket\/table\.csv: is an address of a kind that cannot be read here; give a path/,
    );
  });

  it('is refused with file, line, row and column of what is wrong in it, and nothing is quoted', async () => {
    const folder = folderOf({
      'train-0.csv': 'text,label\none,a\ntwo,b\n',
      'train-1.csv': 'text,label\n,planted\n',
      'train-2.jsonl': '{"text":"x","label":"a"}\nplanted\n',
    });
    assert.equal(
      await refusal(inspectTables(configOf(folder))),
      [
        '/ds/train-1.csv, line 2 (row 1), column "text": is empty while the rest of the row is not; ' +
          'fill it in, or empty the whole row',
        '/ds/train-2.jsonl, line 2 (row 2): is not valid JSON',
      ].join('\n'),
    );
    writeFileSync(join(folder, 'train-1.csv'), 'words,label\none,a\n');
    assert.match(await refusal(textsOf(folder)), /^\/ds\/train-1\.csv: has no column "text"/);
  });

  it('has a digest and a version that depend on all of its files', async () => {
    const folder = folderOf({ 'train-0.csv': 'text,label\none,a\n', 'train-1.csv': 'text,label\ntwo,b\n' });
    const before = await hashTable(folder);
    assert.equal(await versionOf(folder), before.version);
    appendFileSync(join(folder, 'train-1.csv'), 'three,a\n');
    const after = await hashTable(folder);
    assert.notEqual(after.sha256, before.sha256);
    assert.notEqual(after.version, before.version);
    rmSync(join(folder, 'train-1.csv'));
    assert.equal((await hashTable(folder)).sha256, (await hashTable(join(folder, 'train-0.csv'))).sha256);
  });
});
