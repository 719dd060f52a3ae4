import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BadInput, tuningConfigSchema } from '../../../contracts/index.ts';
import type { DataConfig, TuningInput } from '../../../contracts/index.ts';
import {
  inspectColumns,
  inspectTable,
  inspectTables,
  isHeldOut,
  readSplit,
  resolveDataset,
  resolveTables,
} from '../../../rapt/data/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();

function fileOf(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const dataOf = (data: NonNullable<TuningInput['data']>): DataConfig => tuningConfigSchema.parse({ data }).data;

async function problemsOf(data: DataConfig): Promise<readonly { where: string; problem: string }[]> {
  try {
    await inspectTables(data);
  } catch (error) {
    assert.ok(error instanceof BadInput);
    return error.problems;
  }
  return [];
}

const csvOf = (rows: readonly (readonly [string, string])[]): string =>
  `text,label\n${rows.map((row) => row.join(',')).join('\n')}\n`;

describe('an inspection', () => {
  it('finds classes, counts, rows and skipped rows of both tables', async () => {
    const train = fileOf('a-train.csv', 'text,label\na,pos\n\nb,neg\n,\nc,pos\n');
    const test = fileOf('a-test.jsonl', '{"text":"d","label":"neg"}\n');
    const found = await inspectTables(dataOf({ train, test }));
    assert.deepEqual(found, {
      tables: { train, test },
      classes: ['neg', 'pos'],
      classCounts: { train: [1, 2], test: [1, 0] },
      rows: { train: 3, test: 1 },
      skipped: { train: 2, test: 0 },
      unlabelled: { train: 0, test: 0 },
    });
  });

  it('sorts classes by number when all are numbers', async () => {
    const classesOf = async (name: string, labels: readonly string[]): Promise<readonly string[]> => {
      const train = fileOf(name, csvOf(labels.map((label) => ['text', label])));
      return (await inspectTables(dataOf({ train, test: train }))).classes;
    };
    assert.deepEqual(await classesOf('numbers.csv', ['10', '9', '-1', '2.5']), ['-1', '2.5', '9', '10']);
    assert.deepEqual(await classesOf('words.csv', ['10', '9', 'b', 'B', 'a']), ['10', '9', 'B', 'a', 'b']);
  });

  it('reports all problems of all files at once', async () => {
    const train = fileOf('b-train.csv', 'text,label\n ,y\n,x\nb,x\nc,y,z\n');
    const test = fileOf('b-test.csv', 'text,label\nplanted secret,x,more\n');
    const problems = await problemsOf(dataOf({ train, test }));
    assert.deepEqual(
      problems.map(({ where }) => where),
      [
        `${train}, line 2 (row 1), column "text"`,
        `${train}, line 3 (row 2), column "text"`,
        `${train}, line 5 (row 4)`,
        `${test}, line 2 (row 1)`,
      ],
    );
    assert.doesNotMatch(JSON.stringify(problems), /planted/);
  });

  it('lists twenty row problems of a file and counts the rest', async () => {
    const train = fileOf('c.csv', csvOf(Array.from({ length: 33 }, () => ['', 'label'] as const)));
    const problems = await problemsOf(dataOf({ train, test: train }));
    assert.equal(problems.length, 42);
    assert.deepEqual(problems[20], { where: train, problem: 'has 13 more problems like these' });
  });

  it('wants two classes, and a known class in every test row, without quoting a label', async () => {
    const train = fileOf(
      'd-train.csv',
      csvOf([
        ['a', 'x'],
        ['b', 'x'],
      ]),
    );
    const test = fileOf(
      'd-test.csv',
      csvOf([
        ['c', 'x'],
        ['d', 'planted'],
        ['e', 'planted'],
        ['f', 'other'],
      ]),
    );
    const problems = await problemsOf(dataOf({ train, test }));
    assert.match(problems[0]?.problem ?? '', /has the same label in every training row; at least two classes/);
    assert.deepEqual(
      problems.slice(1).map(({ where }) => where),
      [`${test}, line 3 (row 2), column "label"`, `${test}, line 5 (row 4), column "label"`],
    );
    assert.match(problems[1]?.problem ?? '', /holds a label that no training row has, as 1 later row does/);
    assert.doesNotMatch(JSON.stringify(problems), /planted/);
  });

  it('suspects a column of texts that is named as the label column', async () => {
    const train = fileOf('e.csv', csvOf(Array.from({ length: 1200 }, (_, row) => ['text', `label ${row}`] as const)));
    assert.match(
      (await problemsOf(dataOf({ train, test: train })))[0]?.problem ?? '',
      /more than 1000 different labels; is it the label column\?/,
    );
  });

  it('wants test rows', async () => {
    const train = fileOf(
      'f.csv',
      csvOf([
        ['a', 'x'],
        ['b', 'y'],
      ]),
    );
    assert.match(
      (await problemsOf(dataOf({ train, testFraction: 0.0001 })))[0]?.problem ?? '',
      /too small for held-out test rows/,
    );
    const test = fileOf('f-test.csv', 'text,label\n,\n');
    assert.match((await problemsOf(dataOf({ train, test })))[0]?.problem ?? '', /has no row with a text and a label/);
  });

  it('leaves out rows without a label, and counts them', async () => {
    const train = fileOf(
      'unlabelled.csv',
      csvOf([
        ['a', 'x'],
        ['b', ''],
        ['c', 'y'],
        ['d', ' '],
        ['', ''],
      ]),
    );
    const test = fileOf(
      'unlabelled-test.csv',
      csvOf([
        ['e', ''],
        ['f', 'y'],
      ]),
    );
    const data = dataOf({ train, test });
    const { rows, unlabelled, skipped, tables } = await inspectTables(data);
    assert.deepEqual(
      [rows, unlabelled, skipped],
      [
        { train: 2, test: 1 },
        { train: 2, test: 1 },
        { train: 1, test: 0 },
      ],
    );
    const read: string[] = [];
    for (const split of ['train', 'test'] as const)
      for await (const { text } of readSplit(data, tables, split)) read.push(text);
    assert.deepEqual(read, ['a', 'c', 'f']);
    assert.match(
      (
        await problemsOf(
          dataOf({
            train: fileOf(
              'all-unlabelled.csv',
              csvOf([
                ['a', ''],
                ['b', ''],
              ]),
            ),
          }),
        )
      )[0]?.problem ?? '',
      /has no row with a text and a label/,
    );
  });

  it('names a built-in data set that is not set up, and the command that mends it', async () => {
    const cache = process.env['RAPT_CACHE'];
    process.env['RAPT_CACHE'] = folder;
    try {
      const problems = await inspectColumns(dataOf({ train: 'movie-reviews' }));
      assert.equal(problems.length, 2);
      assert.match(
        problems[0]?.problem ?? '',
        /built-in data set movie-reviews, which is not set up yet; run `npm run setup`/,
      );
    } finally {
      if (cache === undefined) delete process.env['RAPT_CACHE'];
      else process.env['RAPT_CACHE'] = cache;
    }
  });

  it('of a table without labels counts its rows and reports its problems', async () => {
    const file = fileOf('g.csv', 'first,second\na,b\n,\nc,d\n');
    assert.deepEqual(await inspectTable(file, { text: 'first', pair: 'second' }), { rows: 2, skipped: 1 });
    await assert.rejects(
      inspectTable(fileOf('h.csv', 'first,second\na,\n,b\n'), { text: 'first', pair: 'second' }),
      (error: BadInput) => error.problems.length === 2,
    );
  });
});

describe('the check of columns', () => {
  it('reads heads only and reports every missing file and column', async () => {
    const test = fileOf('i.csv', 'text,lable,gender\nbroken "row,\n');
    const data = dataOf({ train: join(folder, 'none.csv'), test, attributeColumns: ['gender', 'age'] });
    assert.deepEqual(await inspectColumns(data, { listColumns: true }), [
      {
        where: join(folder, 'none.csv'),
        problem: 'does not exist on the machine of the client worker; give the path of a table there',
      },
      {
        where: test,
        problem:
          'has no column "label" (labelColumn); its columns are "text", "lable", "gender"; did you mean "lable"?',
      },
      { where: test, problem: 'has no column "age" (attributeColumns); its columns are "text", "lable", "gender"' },
    ]);
    assert.deepEqual((await inspectColumns(data)).slice(1), [
      {
        where: test,
        problem: 'has no column "label" (labelColumn); it has 3 columns of other names; did you mean "lable"?',
      },
      { where: test, problem: 'has no column "age" (attributeColumns); it has 3 columns of other names' },
    ]);
  });

  it('refuses one column for two uses', async () => {
    const train = fileOf('j.csv', 'text,label\na,b\n');
    assert.deepEqual(await inspectColumns(dataOf({ train, labelColumn: 'text' })), [
      { where: 'data.labelColumn', problem: 'names the same column as textColumn, "text"' },
    ]);
  });
});

describe('the split', () => {
  const rows = Array.from({ length: 1000 }, (_, row) => [`text ${row}`, row % 2 === 0 ? 'even' : 'odd'] as const);

  it('holds out close to the wanted fraction, the same rows whoever asks', () => {
    const numbers = Array.from({ length: 100_000 }, (_, row) => row);
    for (const fraction of [0.1, 0.2, 0.5]) {
      const share = numbers.filter((row) => isHeldOut(row, fraction)).length / numbers.length;
      // Five standard deviations of a fair draw.
      assert.ok(
        Math.abs(share - fraction) < 5 * Math.sqrt((fraction * (1 - fraction)) / numbers.length),
        `${share} for ${fraction}`,
      );
    }
    assert.deepEqual(
      numbers.slice(0, 25).filter((row) => isHeldOut(row, 0.2)),
      [1, 3, 6],
    );
  });

  it('parts a table into training and test rows without overlap, in file order', async () => {
    const data = dataOf({ train: fileOf('k.csv', csvOf(rows)) });
    const tables = await resolveTables(data);
    const numbers = { train: [] as number[], test: [] as number[] };
    for (const split of ['train', 'test'] as const)
      for await (const row of readSplit(data, tables, split)) numbers[split].push(row.number);
    assert.deepEqual(
      [...numbers.train, ...numbers.test].sort((a, b) => a - b),
      rows.map((_, row) => row),
    );
    assert.deepEqual(
      numbers.test,
      [...numbers.test].sort((a, b) => a - b),
    );
    const { rows: counted } = await inspectTables(data);
    assert.deepEqual(counted, { train: numbers.train.length, test: numbers.test.length });
  });

  /** Of a table of so many rows, those that are held out, by their labels. */
  async function heldOut(
    name: string,
    labels: readonly string[],
    more: Partial<NonNullable<TuningInput['data']>> = {},
  ): Promise<{ numbers: number[]; data: DataConfig }> {
    const data = dataOf({ ...more, train: fileOf(name, csvOf(labels.map((label, row) => [`text ${row}`, label]))) });
    const { tables, rows: counted } = await inspectTables(data);
    const numbers: number[] = [];
    for await (const { number } of readSplit(data, tables, 'test')) numbers.push(number);
    let training = 0;
    for await (const row of readSplit(data, tables, 'train')) training += numbers.includes(row.number) ? NaN : 1;
    assert.deepEqual(counted, { train: training, test: numbers.length });
    return { numbers, data };
  }

  it('keeps the first row of a class in training whose rows would all be held out, and moves no other', async () => {
    const usual = Array.from({ length: 25 }, (_, row) => (row % 2 === 0 ? 'even' : 'odd'));
    assert.deepEqual((await heldOut('alone-0.csv', usual)).numbers, [1, 3, 6]);
    const alone = usual.map((label, row) => (row === 3 ? 'alone' : label));
    const { numbers, data } = await heldOut('alone-1.csv', alone);
    assert.deepEqual(numbers, [1, 6]);
    const { classes, classCounts, tables } = await inspectTables(data);
    assert.deepEqual([classes, classCounts], [['alone', 'even', 'odd'], { train: [1, 12, 10], test: [0, 1, 1] }]);
    assert.deepEqual(tables.keptInTraining, new Set([3]));
    // A class with a training row keeps its own in the test.
    assert.deepEqual(
      (
        await heldOut(
          'alone-2.csv',
          usual.map((label, row) => (row === 3 || row === 4 ? 'two' : label)),
        )
      ).numbers,
      [1, 3, 6],
    );
  });

  it('lets no label decide about the split where labels are private', async () => {
    const labels = Array.from({ length: 25 }, (_, row) => (row === 3 ? 'alone' : row % 2 === 0 ? 'even' : 'odd'));
    const { data } = await heldOut('private-labels.csv', labels);
    const { classes, classCounts, rows: counted, tables } = await inspectTables(data, { splitByLabels: false });
    assert.deepEqual([classes, classCounts], [['alone', 'even', 'odd'], { train: [0, 12, 10], test: [1, 1, 1] }]);
    assert.deepEqual([counted, tables.keptInTraining], [{ train: 22, test: 3 }, undefined]);
    const usual = dataOf({
      train: fileOf('private-usual.csv', csvOf(labels.map((label, row) => [`text ${row}`, row === 3 ? 'odd' : label]))),
    });
    assert.deepEqual(await inspectTables(usual, { splitByLabels: false }), await inspectTables(usual));
  });

  it('is of the rows that are asked for, and the classes are those of all rows where labels are private', async () => {
    const labelled = fileOf('private-part.csv', `${csvOf(rows)}unlabelled,\n\nlast,third\n`);
    const limits = { maxTrainRows: 5, maxTestRows: 2 };
    for (const test of [undefined, labelled]) {
      const data = dataOf({ train: labelled, test, ...limits });
      const found = await inspectTables(data, { splitByLabels: false });
      assert.deepEqual(found.classes, ['even', 'odd', 'third']);
      const none = { train: 0, test: 0 };
      assert.deepEqual([found.rows, found.skipped, found.unlabelled], [{ train: 5, test: 2 }, none, none]);
      const sums = [found.classCounts.train, found.classCounts.test].map((counts) => counts.reduce((a, b) => a + b));
      assert.equal(sums[0]! + sums[1]!, test === undefined ? 1001 : 2002);
      assert.deepEqual((await inspectTables(data)).classes, ['even', 'odd']);
    }
  });

  it('names no row where labels are private, and says what is wrong with the classes of whole tables', async () => {
    const wrong = async (data: NonNullable<TuningInput['data']>): Promise<string[]> =>
      inspectTables(dataOf(data), { splitByLabels: false }).then(
        () => [],
        (error: unknown) => {
          assert.ok(error instanceof BadInput);
          return error.problems.map(({ where, problem }) => `${where.replace(`${folder}/`, '')}: ${problem}`);
        },
      );
    const table = (name: string, labels: readonly string[]): string =>
      fileOf(name, csvOf(labels.map((label, row) => [`text ${row}`, label])));
    const train = table('private-train.csv', ['a', 'b', 'a', 'b']);
    const unnamed = '(where labels are protected (privacy.labelEpsilon), rows are not named)';
    assert.deepEqual(await wrong({ train, test: table('private-test-1.csv', ['b', 'c', 'c']), maxTestRows: 1 }), [
      `private-test-1.csv, column "label": holds a label that no training row has; ` +
        `correct it, or add training rows that have it ${unnamed}`,
    ]);
    assert.deepEqual(await wrong({ train, test: table('private-test-2.csv', ['d', 'c', 'c']) }), [
      `private-test-2.csv, column "label": holds 2 labels that no training row has; ` +
        `correct them, or add training rows that have them ${unnamed}`,
    ]);
    const one = table('private-one.csv', Array<string>(10).fill('a'));
    assert.deepEqual(await wrong({ train: one }), [
      'private-one.csv, column "label": has the same label in every row; at least two classes are needed',
    ]);
    const many = table(
      'private-many.csv',
      Array.from({ length: 1200 }, (_, row) => String(row)),
    );
    const tooMany = 'column "label": has more than 1000 different labels; is it the label column?';
    assert.deepEqual(await wrong({ train: many, testFraction: 0.5 }), [`private-many.csv, ${tooMany}`]);
    assert.deepEqual(await wrong({ train, test: many, maxTestRows: 1 }), [`private-many.csv, ${tooMany}`]);
    assert.deepEqual(await wrong({ train: many, test: train, maxTrainRows: 1 }), [`private-many.csv, ${tooMany}`]);
  });

  it('names the settings where a class cannot keep a row in training', async () => {
    const labels = Array.from({ length: 25 }, (_, row) => (row === 3 ? 'alone' : row % 2 === 0 ? 'even' : 'odd'));
    await assert.rejects(
      heldOut('limited.csv', labels, { maxTrainRows: 10 }),
      /line 5 \(row 4\), .*: holds a label that no training row has; .* or a larger data\.maxTrainRows/,
    );
    const texts = Array.from({ length: 25 }, (_, row) => `text ${row}`);
    await assert.rejects(
      heldOut('texts.csv', texts),
      (error: BadInput) => error.problems.length === 3 && /holds a label that no training row has/.test(error.message),
    );
  });

  it('tells once that all rows of other classes are held out', async () => {
    const train = fileOf(
      'two-rows.csv',
      csvOf([
        ['good', 'x'],
        ['bad', 'planted'],
        ['a row', ''],
      ]),
    );
    assert.deepEqual(await problemsOf(dataOf({ train })), [
      {
        where: `${train}, column "label"`,
        problem:
          'has the same label in every training row, as the rows with other labels are held out for testing, ' +
          'and 1 without a label left out; ' +
          'add rows of other classes, give data.test, or set another data.testFraction',
      },
    ]);
    const labels = Array.from({ length: 25 }, (_, row) => (row === 3 ? 'other' : 'usual'));
    const [problem, ...more] = await problemsOf(
      dataOf({
        train: fileOf('one-class.csv', csvOf(labels.map((label, row) => [`text ${row}`, label]))),
        maxTrainRows: 10,
      }),
    );
    assert.match(problem?.problem ?? '', /held out for testing; .*testFraction or a larger data\.maxTrainRows$/);
    assert.deepEqual(more, []);
  });

  it('honours the row limits of each part', async () => {
    const data = dataOf({ train: fileOf('l.csv', csvOf(rows)), maxTrainRows: 50, maxTestRows: 7 });
    assert.deepEqual((await inspectTables(data)).rows, { train: 50, test: 7 });
    let count = 0;
    for await (const row of readSplit(data, await resolveTables(data), 'test'))
      count += isHeldOut(row.number, 0.2) ? 1 : 0;
    assert.equal(count, 7);
  });

  it('takes the test table of a built-in data set', async () => {
    const tables = await resolveTables(dataOf({ train: 'movie-reviews' }));
    assert.match(tables.train, /datasets.movie-reviews.train\.tsv$/);
    assert.match(tables.test ?? '', /datasets.movie-reviews.test\.tsv$/);
    assert.equal((await resolveTables(dataOf({ train: fileOf('x.csv', 'text,label\n') }))).test, null);
    assert.equal(resolveDataset('x.csv'), join(process.cwd(), 'x.csv'));
  });
});
