import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BadInput } from '../../../contracts/index.ts';
import { proposeColumns, surveyTable, type ChosenColumns, type ProposedColumns } from '../../../rapt/data/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
function fileOf(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}
const proposed = async (file: string, chosen?: ChosenColumns): Promise<ProposedColumns> =>
  proposeColumns(file, await surveyTable(file), chosen);
async function problemOf(survey: Promise<unknown>): Promise<string> {
  const error = await survey.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BadInput);
  return error.message;
}
const rows = (count: number, of: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => `${of(row)}\n`).join('');

describe('a survey', () => {
  it('counts rows, empty cells, different values and words, and tells nothing of a cell', async () => {
    const file = fileOf('counts.csv', 'id,note,stars\n1,a good film,5\n2,,1\n,,\n3,a bad one,5\n');
    assert.deepEqual(await surveyTable(file), {
      rows: 3,
      columns: [
        { name: 'id', empty: 0, distinct: 3, meanWords: 1, numeric: true },
        { name: 'note', empty: 1, distinct: 2, meanWords: 3, numeric: false },
        { name: 'stars', empty: 0, distinct: 2, meanWords: 1, numeric: true },
      ],
      unusable: [],
      repeated: [],
    });
  });

  it('counts different values up to a thousand', async () => {
    const { columns } = await surveyTable(fileOf('many.csv', `a,b\n${rows(1500, (row) => `${row},${row % 3}`)}`));
    assert.deepEqual(
      columns.map(({ distinct }) => distinct),
      [null, 3],
    );
  });

  it('leaves out columns of lists and objects', async () => {
    const file = fileOf(
      'nested.jsonl',
      rows(30, (row) => JSON.stringify({ text: `text number ${row}`, label: row % 2, meta: { row }, tags: ['a'] })),
    );
    const survey = await surveyTable(file);
    assert.deepEqual([survey.rows, survey.unusable], [30, ['meta', 'tags']]);
    assert.deepEqual(await proposed(file), { text: 'text', pair: undefined, label: 'label', otherTexts: [] });
  });

  it('leaves out columns without a name, and those whose name stands twice', async () => {
    const file = fileOf(
      'index.csv',
      `,text,note,note,label\n${rows(30, (row) => `${row},text number ${row},a,b,${row % 2}`)}`,
    );
    const { columns, repeated } = await surveyTable(file);
    assert.deepEqual([columns.map(({ name }) => name), repeated], [['text', 'label'], ['note']]);
    assert.deepEqual(await proposed(file), { text: 'text', pair: undefined, label: 'label', otherTexts: [] });
  });

  it('counts words where scripts put no spaces between them', async () => {
    const file = fileOf(
      'thai.csv',
      `text,label\n${rows(200, (row) => `ภาพยนตร์เรื่องนี้สนุกมากและควรดู${row}🎬👍,${row % 2}`)}`,
    );
    const { columns } = await surveyTable(file);
    assert.ok(columns[0]!.meanWords > 4 && columns[0]!.meanWords < 12, `${columns[0]!.meanWords} words`);
    assert.deepEqual(await proposed(file), { text: 'text', pair: undefined, label: 'label', otherTexts: [] });
    const film = '这部电影很好看，值得一看';
    assert.equal(
      (await proposed(fileOf('chinese.csv', `x,y\n${rows(30, (row) => `${film}${row},${row % 2}`)}`))).text,
      'x',
    );
  });

  it('names what is wrong with a file in one message, and does not quote a row', async () => {
    assert.match(await problemOf(surveyTable(join(folder, 'none.csv'))), /none\.csv: does not exist/);
    assert.match(await problemOf(surveyTable(fileOf('table.xlsx', 'x'))), /is of no known format/);
    assert.match(await problemOf(surveyTable(fileOf('nothing.csv', ''))), /is empty/);
    assert.match(await problemOf(surveyTable(fileOf('head.csv', 'text,label\n'))), /has a header and no rows/);
    const headless = await problemOf(
      surveyTable(fileOf('headless.csv', 'the film was a secret that nobody should read here,good\nanother one,bad\n')),
    );
    assert.match(headless, /does not look like column names/);
    assert.doesNotMatch(headless, /secret/);
  });
});

describe('a proposal', () => {
  const words = (row: number): string => `words of review number ${row}`;

  it('takes the column of texts and the one of few values, by name where several would do', async () => {
    const row = (row: number): string => {
      const day = 1 + (row % 9);
      return `${row},title ${row},${words(row)},2025-01-0${day},${row % 5},${row % 2}`;
    };
    const file = fileOf('reviews.csv', `id,title,review,when,stars,shop\n${rows(40, row)}`);
    assert.deepEqual(await proposed(file), { text: 'review', pair: undefined, label: 'stars', otherTexts: ['title'] });
  });

  it('knows the two columns of a pair task', async () => {
    const pair = async (first: string, second: string): Promise<unknown[]> => {
      const {
        text,
        pair: other,
        label,
      } = await proposed(
        fileOf(
          `${first}.csv`,
          `${second},${first},gold\n${rows(40, (row) => `${words(row)} and more of it,${words(row)},${row % 3}`)}`,
        ),
      );
      return [text, other, label];
    };
    assert.deepEqual(await pair('question1', 'question2'), ['question1', 'question2', 'gold']);
    assert.deepEqual(await pair('text_a', 'text_b'), ['text_a', 'text_b', 'gold']);
    assert.deepEqual(await pair('premise', 'hypothesis'), ['premise', 'hypothesis', 'gold']);
  });

  it('takes what the user has said, and says what it could not find', async () => {
    const file = fileOf('plain.csv', `a,b,c\n${rows(40, (row) => `${words(row)},${row % 2},${row % 3}`)}`);
    assert.deepEqual(await proposed(file, { label: 'c' }), { text: 'a', pair: undefined, label: 'c', otherTexts: [] });
    assert.match(
      await problemOf(proposed(file, { text: 'A1' })),
      /has no column "A1" \(--text-column\); its columns are "a", "b", "c"/,
    );
    assert.match(
      await problemOf(proposed(fileOf('numbers.csv', 'x,y\n1,2\n3,4\n'))),
      /no column that looks like texts.*--text-column\n.*no column that looks like labels.*--label-column/,
    );
  });
});
