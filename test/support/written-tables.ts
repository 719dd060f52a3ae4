/** What the tables hold that pandas, Polars and pyarrow wrote by test/fixtures/tables/make.py, as Rapt must read
 *  them. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { BadInput, tuningConfigSchema } from '../../contracts/index.ts';
import { inspectTables, proposeColumns, readTable, surveyTable, type TableColumns } from '../../rapt/data/index.ts';

const ROWS = 40;
const NUMBERS = Array.from({ length: ROWS }, (_, number) => number);
const PLAIN: Cells = NUMBERS.map((number) => [
  `a film of ${number} words é🎬 ${'word '.repeat(number)}`,
  number % 3 === 0 ? 'good' : 'bad',
]);

type Cells = readonly (readonly [string, string | null])[];

/** Review texts with a line break inside. */
const reviews = (lineBreak: string): Cells =>
  NUMBERS.map((number) => [
    `fine film number ${number}${lineBreak}and some more words ${number * 7}`,
    number % 2 === 0 ? 'good' : 'bad',
  ]);

const READ_AS_PLAIN = [
  ...['lz4', 'zstd', 'uncompressed'].flatMap((codec) => [
    `pandas-${codec}.feather`,
    `polars-${codec}.arrow`,
    `polars-${codec}.arrows`,
  ]),
  'pandas-category.feather',
  'pyarrow-lz4.arrow',
  'pyarrow-zstd.arrow',
  'gzip.csv',
  'zstd.csv',
  'zstd-frames.csv.zst',
  'utf-8-sig.csv',
  'utf-16.csv',
  'utf-16-le.csv',
  'utf-16-be.csv',
  'semicolons.csv',
  'tabs.csv',
  'commas.tsv',
  'index.csv',
  'cr.csv',
  'cr.tsv',
  'records.json',
  'lines.csv',
  'parquet.csv',
];
const READ_AS_REVIEWS = [
  ['lines.tsv', '\n'],
  ['lines-index.tsv', '\n'],
  ['lines-last.tsv', '\n'],
  ['lines-crlf.tsv', '\r\n'],
  ['lines-windows.tsv', '\r\r\n'],
] as const;
const REFUSED = [
  [
    'pyarrow-v1.feather',
    /is a Feather file of version 1; write it as version 2 \(pandas: read_feather, then to_feather\)/,
  ],
  ['zip.csv.zip', /is a zip archive; unzip it/],
  ['bz2.csv', /is compressed by bzip2; decompress it \(`bunzip2`\)/],
  ['xz.csv', /is compressed by xz; decompress it \(`unxz`\)/],
] as const;
const KINDS: Readonly<Record<string, readonly (string | null)[]>> = {
  decimal: ['0.03', '12345678901234567.89', '-1.5', '3'],
  small: ['0.03', '0.3', '-1.5', null],
  long: ['9007199254740993', '9007199254740992', '9223372036854775807', '-9223372036854775808'],
  unsigned: ['18446744073709551615', '18446744073709551614', '0', '1'],
  float: ['0.1', '1', '2.5', null],
  bool: ['true', 'false', null, 'true'],
  date: ['2020-01-01T00:00:00.000Z', '1969-12-31T00:00:00.000Z', null, '2020-01-01T00:00:00.000Z'],
  time: NUMBERS.slice(0, 4).map(() => '2020-01-01T02:03:04.567Z'),
};

async function cellsOf(file: string, columns: TableColumns): Promise<Cells> {
  const cells: [string, string | null][] = [];
  for await (const { number, text, label } of readTable(file, columns, { unlabelled: 'keep' })) {
    assert.equal(number, cells.length);
    cells.push([text, label]);
  }
  return cells;
}

/** Tests of all files, wherever they were written. */
export function testWrittenTables(folder: () => string): void {
  it('has a test for each file', () => {
    const tested = [
      ...READ_AS_PLAIN,
      ...READ_AS_REVIEWS.map(([name]) => name),
      ...REFUSED.map(([name]) => name),
      'kinds.feather',
      'kinds.parquet',
      'glue',
    ];
    assert.deepEqual(readdirSync(folder()).sort(), tested.sort());
  });

  for (const name of READ_AS_PLAIN)
    it(`reads ${name}`, async () => {
      assert.deepEqual(await cellsOf(join(folder(), name), { text: 'text', label: 'label' }), PLAIN);
    });

  for (const [name, lineBreak] of READ_AS_REVIEWS)
    it(`reads ${name}, and finds its columns`, async () => {
      const file = join(folder(), name);
      assert.deepEqual(await cellsOf(file, { text: 'review', label: 'rating' }), reviews(lineBreak));
      const { text, label } = proposeColumns(file, await surveyTable(file));
      assert.deepEqual([text, label], ['review', 'rating']);
    });

  for (const [name, problem] of REFUSED)
    it(`says what ${name} is`, async () => {
      await assert.rejects(
        cellsOf(join(folder(), name), { text: 'text' }),
        (error: unknown) => error instanceof BadInput && problem.test(error.message),
      );
    });

  for (const name of ['kinds.feather', 'kinds.parquet'])
    it(`has the values of ${name} as labels that none other has`, async () => {
      for (const [column, expected] of Object.entries(KINDS)) {
        const cells = await cellsOf(join(folder(), name), { text: 'text', label: column });
        assert.deepEqual(
          cells.map(([, label]) => label),
          expected,
          column,
        );
      }
    });

  it('tests on the validation split where the test split has no labels', async () => {
    const glue = join(folder(), 'glue');
    const { data } = tuningConfigSchema.parse({ data: { train: glue, textColumn: 'sentence' } });
    const { tables, classes, classCounts, rows, unlabelled } = await inspectTables(data);
    assert.deepEqual(tables, { train: glue, test: `${glue}#validation`, unlabelledTest: `${glue}#test` });
    assert.deepEqual(
      [classes, classCounts, rows],
      [['negative', 'positive'], { train: [2, 3], test: [1, 2] }, { train: 5, test: 3 }],
    );
    assert.deepEqual(unlabelled, { train: 1, test: 0 });
  });
}
