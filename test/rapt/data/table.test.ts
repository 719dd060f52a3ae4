import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Field, List, Table, tableToIPC, Utf8, vectorFromArray, type DataType } from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { BadInput } from '../../../contracts/index.ts';
import { readTable } from '../../../rapt/data/index.ts';
import type { ReadOptions, Row, TableColumns } from '../../../rapt/data/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
let files = 0;

function fileOf(ending: string, content: string | Uint8Array): string {
  const file = join(folder, `table${files++}${ending}`);
  writeFileSync(file, content);
  return file;
}

async function rowsOf(
  file: string,
  columns: TableColumns = { text: 'text', label: 'label' },
  options?: ReadOptions,
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of readTable(file, columns, options)) rows.push(row);
  return rows;
}

const brief = (rows: readonly Row[]): [number, string, string | null][] =>
  rows.map(({ number, text, label }) => [number, text, label]);

describe('a CSV table', () => {
  it('may have quotes, commas and line breaks inside quoted fields, and emoji', async () => {
    const file = fileOf('.csv', 'label,text\npos,"Said ""yes"", twice\nand left 🎬"\nneg,plain\n');
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, 'Said "yes", twice\nand left 🎬', 'pos'],
      [1, 'plain', 'neg'],
    ]);
  });

  it('may start with a byte order mark and end its lines with CRLF', async () => {
    const file = fileOf('.csv', '\ufefftext,label\r\none,a\r\n"two\r\nlines",b\r\n');
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, 'one', 'a'],
      [1, 'two\r\nlines', 'b'],
    ]);
  });

  it('keeps a quote inside an unquoted field as it is', async () => {
    assert.deepEqual(brief(await rowsOf(fileOf('.csv', 'text,label\n5\'11" tall,a\n'))), [[0, '5\'11" tall', 'a']]);
  });

  it('numbers rows as pandas does: rows of empty cells count and empty lines do not; both are skipped', async () => {
    const file = fileOf('.csv', 'text,label\n\none,a\n,\n   ,\n\n\ntwo,b\n\n');
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, 'one', 'a'],
      [3, 'two', 'b'],
    ]);
  });

  it('names file, line, row and column of a missing label, also after fields of several lines with CRLF', async () => {
    const file = fileOf('.csv', 'id,text,label\r\n1,"a\r\nb\r\nc",x\r\n\r\n2,"d\r\ne",y\r\n3,"planted\r\nsecret",\r\n');
    await assert.rejects(rowsOf(file), (error: unknown) => {
      assert.ok(error instanceof BadInput);
      assert.equal(error.problems.length, 1);
      assert.equal(error.problems[0]?.where, `${file}, line 8 (row 3), column "label"`);
      assert.match(error.problems[0].problem, /is empty while the rest of the row is not/);
      assert.doesNotMatch(error.message, /planted|secret/);
      return true;
    });
  });

  it('may have surplus delimiters at the ends of its lines, and other delimiters than commas', async () => {
    assert.deepEqual(brief(await rowsOf(fileOf('.csv', 'text,label\na,x,\nb,y,,\n'))), [
      [0, 'a', 'x'],
      [1, 'b', 'y'],
    ]);
    assert.deepEqual(brief(await rowsOf(fileOf('.csv', 'text,label,\na,x,\n'))), [[0, 'a', 'x']]);
    for (const delimiter of [';', '|', '\t'])
      assert.deepEqual(
        brief(await rowsOf(fileOf('.csv', `text${delimiter}label\n"a ${delimiter} b, c"${delimiter}x\n`))),
        [[0, `a ${delimiter} b, c`, 'x']],
        delimiter,
      );
  });

  it('is refused if it begins with a line for Excel', async () => {
    for (const line of ['sep=;', 'sep=,', 'SEP=\t'])
      await assert.rejects(
        rowsOf(fileOf('.csv', `${line}\r\ntext;label\r\na;x\r\n`)),
        /begins with a line "sep=" that only Excel knows; remove it/,
      );
  });

  it('refuses a row with more fields than the header', async () => {
    await assert.rejects(
      rowsOf(fileOf('.csv', 'text,label\nno, not good,neg\n')),
      /line 2 \(row 1\): has 3 fields, the header 2/,
    );
  });

  it('says where a quote is opened that is never closed, without quoting the text', async () => {
    const file = fileOf('.csv', `text,label\nfine,a\n"planted secret,b\n${'more,a\n'.repeat(50)}`);
    await assert.rejects(
      rowsOf(file),
      (error: Error) =>
        /line 3: starts a record in which a quote is opened and never closed/.test(error.message) &&
        !/planted/.test(error.message),
    );
  });

  it('is read in bounded memory even if a quote is never closed', async () => {
    const file = fileOf('.csv', `text,label\n"open${'x'.repeat(999)}`.padEnd(40 << 20, 'line of text\n'));
    await assert.rejects(rowsOf(file), /line 2: starts a record in which a quote is opened and never closed/);
  });
});

describe('a TSV table', () => {
  it('takes quotes as ordinary characters, so that an open quote does not swallow what follows', async () => {
    const file = fileOf('.tsv', 'text\tlabel\n"Open quote\tneg\nsay "cheese"\tpos\n');
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, '"Open quote', 'neg'],
      [1, 'say "cheese"', 'pos'],
    ]);
  });

  it('unquotes a field that is quoted as a whole, tabs inside it included', async () => {
    const file = fileOf('.tsv', 'text\tlabel\n"a ""b"" c"\tx\n"with\ttab"\ty\n');
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, 'a "b" c', 'x'],
      [1, 'with\ttab', 'y'],
    ]);
  });

  it('takes quoted fields of any length', async () => {
    const long = `a ""b"" ${'x'.repeat(17_000_000)}`;
    const [row] = await rowsOf(fileOf('.tsv', `text\tlabel\n"${long}"\tx\n`));
    assert.deepEqual([row?.text.length, row?.text.slice(0, 7), row?.label], [long.length - 2, 'a "b" x', 'x']);
  });

  it('holds line breaks inside quotes if that makes a table and its lines by themselves do not', async () => {
    const quoted = fileOf('.tsv', 'text\tlabel\nplain\ta\n"first ""one""\n\tsecond"\tx\n\n"third\n"\ty\n');
    assert.deepEqual(brief(await rowsOf(quoted)), [
      [0, 'plain', 'a'],
      [1, 'first "one"\n\tsecond', 'x'],
      [2, 'third\n', 'y'],
    ]);
    // Each line is a row, so quotes are characters, also where they would make a table of fewer rows.
    const byLines = fileOf('.tsv', 'text\tlabel\n"one\ta\ntwo"\tb\n');
    assert.deepEqual(brief(await rowsOf(byLines)), [
      [0, '"one', 'a'],
      [1, 'two"', 'b'],
    ]);
  });

  it('says that a text must not hold line breaks if neither reading makes a table', async () => {
    await assert.rejects(
      rowsOf(fileOf('.tsv', 'text\tlabel\n"first\nsecond"\tx\nshort\n')),
      /line 2 \(row 1\): has 1 fields, the header 2; a text must not hold line breaks in TSV/,
    );
  });

  it('is read by its lines or by its quotes anew when it changes', async () => {
    const file = fileOf('.tsv', 'text\tlabel\n"first\nsecond"\tx\n');
    assert.deepEqual(brief(await rowsOf(file)), [[0, 'first\nsecond', 'x']]);
    writeFileSync(file, 'text\tlabel\n"first\tx\nsecond"\ty\n');
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, '"first', 'x'],
      [1, 'second"', 'y'],
    ]);
  });

  it('may have surplus tabs at the ends of its lines', async () => {
    assert.deepEqual(brief(await rowsOf(fileOf('.tsv', 'text\tlabel\na\tx\t\t\nb\ty\n'))), [
      [0, 'a', 'x'],
      [1, 'b', 'y'],
    ]);
  });
});

describe('a JSON Lines table', () => {
  it('takes strings, numbers and booleans as labels, and skips empty lines and rows', async () => {
    const file = fileOf(
      '.jsonl',
      '{"text":"a","label":1}\n\n{"text":null,"label":null}\n' +
        '{"text":"b \\n c","label":true}\r\n{"label":" x ","text":"d"}',
    );
    assert.deepEqual(brief(await rowsOf(file)), [
      [0, 'a', '1'],
      [2, 'b \n c', 'true'],
      [3, 'd', 'x'],
    ]);
  });

  it('names a line that is not a JSON object, without quoting it', async () => {
    const file = fileOf('.jsonl', '{"text":"a","label":1}\n{"text":"planted\n');
    await assert.rejects(
      rowsOf(file),
      (error: Error) => /line 2 \(row 2\): is not valid JSON/.test(error.message) && !/planted/.test(error.message),
    );
    await assert.rejects(
      rowsOf(fileOf('.jsonl', '{"text":"a","label":1}\n["x"]\n')),
      /line 2 \(row 2\): is not a JSON object/,
    );
    await assert.rejects(
      rowsOf(fileOf('.jsonl', '{"text":["x"],"label":1}\n')),
      /line 1 \(row 1\), column "text": holds a list or an object/,
    );
  });

  it('is refused if it is one object of columns, or an array that is cut short', async () => {
    await assert.rejects(
      rowsOf(fileOf('.json', '{"text":{"0":"planted","1":"b"},"label":{"0":1,"1":0}}')),
      (error: Error) =>
        /holds one object of columns instead of rows; give one a line.*orient="records", lines=True/.test(
          error.message,
        ) && !error.message.includes('planted'),
    );
    await assert.rejects(
      rowsOf(fileOf('.json', '[{"text":"a","label":1},\n{"text":"planted')),
      (error: Error) =>
        /line 2: is not a complete JSON array/.test(error.message) && !error.message.includes('planted'),
    );
    await assert.rejects(
      rowsOf(fileOf('.json', '[{"text":"a","label":1},\n[1]]')),
      /line 2 \(row 2\): is not a JSON object/,
    );
  });

  it('may lack a column in its first rows', async () => {
    await assert.rejects(
      rowsOf(fileOf('.jsonl', '{"text":"a"}\n{"text":"b","label":1}\n')),
      /line 1 \(row 1\), column "label": is empty/,
    );
  });
});

describe('a Parquet table', () => {
  const bytes = new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'label', data: [3n, null, 1n, 2n], type: 'INT64' },
        { name: 'text', data: ['a 🎬', null, 'b', 'c'], type: 'STRING' },
      ],
      rowGroupSize: 2,
    }),
  );

  it('is read row group by row group', async () => {
    assert.deepEqual(brief(await rowsOf(fileOf('.parquet', bytes))), [
      [0, 'a 🎬', '3'],
      [2, 'b', '1'],
      [3, 'c', '2'],
    ]);
  });

  it('is refused when it is cut short', async () => {
    await assert.rejects(rowsOf(fileOf('.parquet', bytes.subarray(0, 100))), /is not a complete Parquet file/);
  });

  it('of Hugging Face gives the names of its classes, no label for -1, and numbers if it names none', async () => {
    const write = (features: string): Uint8Array =>
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'label', data: [1n, 0n, 2n, -1n], type: 'INT64' },
            { name: 'text', data: ['a', 'b', 'c', 'd'], type: 'STRING' },
          ],
          kvMetadata: [{ key: 'huggingface', value: features }],
        }),
      );
    const labelsOf = async (features: string): Promise<(string | null)[]> =>
      (await rowsOf(fileOf('.parquet', write(features)), { text: 'text', label: 'label' }, { unlabelled: 'keep' })).map(
        ({ label }) => label,
      );
    const named = {
      info: {
        features: { label: { names: ['neg', 'pos'], _type: 'ClassLabel' }, text: { dtype: 'string', _type: 'Value' } },
      },
    };
    assert.deepEqual(await labelsOf(JSON.stringify(named)), ['pos', 'neg', '2', null]);
    for (const other of ['{', '{}', '{"info":{"features":{"label":{"_type":"Value"}}}}'])
      assert.deepEqual(await labelsOf(other), ['1', '0', '2', '-1'], other);
  });
});

describe('an Arrow table', () => {
  // Without a type, strings become words of a dictionary.
  const half = (texts: (string | null)[], labels: bigint[], type?: DataType): Table =>
    new Table({
      text: type === undefined ? vectorFromArray(texts) : vectorFromArray(texts, type),
      label: vectorFromArray(labels),
    });

  it('is read batch by batch, as a stream or as a file, also with words of a dictionary', async () => {
    for (const [kind, type] of [
      ['stream', undefined],
      ['stream', new Utf8()],
      ['file', new Utf8()],
    ] as const) {
      const table = half(['a 🎬', null], [3n, 1n], type).concat(half(['b', 'c'], [1n, 2n], type));
      assert.deepEqual(brief(await rowsOf(fileOf('.arrow', tableToIPC(table, kind)), { text: 'text' })), [
        [0, 'a 🎬', null],
        [2, 'b', null],
        [3, 'c', null],
      ]);
      assert.deepEqual(
        (await rowsOf(fileOf('.arrow', tableToIPC(half(['a'], [7n], type), kind)))).map(({ label }) => label),
        ['7'],
      );
    }
  });

  it('is refused when it is cut short, even between two batches, or when it is not Arrow', async () => {
    const stream = tableToIPC(half(['a'], [1n]), 'stream');
    for (const length of [stream.length - 8, stream.length - 20, 100])
      await assert.rejects(rowsOf(fileOf('.arrow', stream.subarray(0, length))), /is not a complete Arrow file$/);
    const file = tableToIPC(half(['a'], [1n]), 'file');
    for (const length of [file.length - 8, 100, 10])
      await assert.rejects(rowsOf(fileOf('.arrow', file.subarray(0, length))), /is not a complete Arrow file$/);
    await assert.rejects(
      rowsOf(fileOf('.arrow', 'planted '.repeat(50) + 'ARROW1')),
      (error: BadInput) =>
        /is not a complete Arrow file: it holds text/.test(error.message) && !error.message.includes('planted'),
    );
    await assert.rejects(rowsOf(fileOf('.arrow.gz', gzipSync(stream))), /is a zipped Arrow file; unzip it/);
  });

  it('has no text in a cell that holds a list', async () => {
    const lists = new Table({
      text: vectorFromArray([['a']], new List(new Field('item', new Utf8()))),
      label: vectorFromArray([1n]),
    });
    await assert.rejects(
      rowsOf(fileOf('.arrow', tableToIPC(lists, 'stream'))),
      /row 1, column "text": holds a list, a struct or bytes/,
    );
  });
});

describe('any table', () => {
  it('may be gzipped', async () => {
    for (const [ending, content] of [
      ['.csv.gz', 'text,label\na,x\n'],
      ['.tsv.gz', 'text\tlabel\na\tx\n'],
      ['.jsonl.gz', '{"text":"a","label":"x"}\n'],
    ] as const)
      assert.deepEqual(brief(await rowsOf(fileOf(ending, gzipSync(content)))), [[0, 'a', 'x']], ending);
  });

  it('is refused when its gzip data end early', async () => {
    const text = Array.from({ length: 20_000 }, (_, row) => `text ${row * 7919},a`).join('\n');
    const zipped = gzipSync(`text,label\n${text}\n`);
    await assert.rejects(
      rowsOf(fileOf('.csv.gz', zipped.subarray(0, zipped.length / 2))),
      /is not a complete gzip file/,
    );
  });

  it('that is not UTF-8 is refused with the line', async () => {
    const file = fileOf(
      '.csv',
      Buffer.concat([Buffer.from('text,label\nfine,a\ncaf'), Buffer.from([0xe9]), Buffer.from(',b\n')]),
    );
    await assert.rejects(rowsOf(file), /line 3: is not valid UTF-8; save the file as UTF-8/);
    const half = Buffer.from('\ufefftext,label\n\ufffd,a\nb\ud83c,b\n', 'utf16le');
    await assert.rejects(rowsOf(fileOf('.csv', half)), /line 3: holds half a character; save the file as UTF-8/);
  });

  it('keeps characters whole that lie across two blocks of reading', async () => {
    const text = '🎬'.repeat(200_000);
    const rows = await rowsOf(fileOf('.csv', `text,label\nx${text},a\n${text},b\n`));
    assert.deepEqual(
      rows.map((row) => row.text === text || row.text === `x${text}`),
      [true, true],
    );
  });

  it('may have a cell of millions of characters', async () => {
    const long = 'a "quoted" word, 12345678901234567890 é🎬\n'.repeat(300_000);
    const quoted = `"${long.replaceAll('"', '""')}"`;
    const line = JSON.stringify({ text: long, label: 1 });
    for (const file of [
      fileOf('.csv', `text,label\na,0\n${quoted},1\nb,0\n`),
      fileOf('.tsv', `text\tlabel\na\t0\n${quoted}\t1\nb\t0\n`),
      fileOf('.jsonl', `{"text":"a","label":0}\n${line}\n{"text":"b","label":0}\n`),
      fileOf('.json', `[{"text":"a","label":0},${line},{"text":"b","label":0}]`),
    ]) {
      const rows = await rowsOf(file);
      assert.deepEqual(
        rows.map(({ number, text, label }) => [number, text.length, label]),
        [
          [0, 1, '0'],
          [1, long.length, '1'],
          [2, 1, '0'],
        ],
        file,
      );
      assert.ok(rows[1]!.text === long);
    }
  });

  // Without a header the names of the columns are texts.
  it('has its columns counted where one is missing, and only the one named that was probably meant', async () => {
    await assert.rejects(rowsOf(fileOf('.csv', 'Id,Text,sentiment\n1,a,b\n')), (error: BadInput) => {
      assert.equal(error.problems.length, 2);
      assert.match(
        error.problems[0]?.problem ?? '',
        /has no column "text" \(textColumn\); it has 3 columns of other names; did you mean "Text"\?/,
      );
      assert.match(
        error.problems[1]?.problem ?? '',
        /has no column "label" \(labelColumn\); it has 3 columns of other names/,
      );
      assert.doesNotMatch(error.message, /Id|sentiment/);
      return true;
    });
  });

  it('without a header does not have its first row quoted', async () => {
    const file = fileOf('.csv', '"my planted secret is a rather long sentence",pos\nb,neg\n');
    await assert.rejects(
      rowsOf(file),
      (error: Error) => /first line must name the columns/.test(error.message) && !/planted/.test(error.message),
    );
  });

  it('is refused when two columns have the same name', async () => {
    await assert.rejects(rowsOf(fileOf('.csv', 'text,label,text\na,b,c\n')), /has 2 columns "text"/);
  });

  it('that is missing, a folder without tables or of another kind is named', async () => {
    await assert.rejects(rowsOf(join(folder, 'none.csv')), /none\.csv: does not exist/);
    await assert.rejects(rowsOf(temporaryFolder()), /is not a file/);
    await assert.rejects(rowsOf(fileOf('.xlsx', 'PK')), /is of no known format; name it \.csv, \.tsv or \.jsonl/);
    await assert.rejects(rowsOf(fileOf('.csv', '')), /is empty; its first line must name the columns/);
  });

  it('ends after maxRows rows, not counting empty ones', async () => {
    const file = fileOf('.csv', 'text,label\na,x\n,\nb,y\nc,\n');
    assert.deepEqual(brief(await rowsOf(file, undefined, { maxRows: 2 })), [
      [0, 'a', 'x'],
      [2, 'b', 'y'],
    ]);
  });

  it('may be read without labels, or with some missing', async () => {
    const file = fileOf('.csv', 'text,label\na,x\nb,\n');
    assert.deepEqual(brief(await rowsOf(file, { text: 'text' })), [
      [0, 'a', null],
      [1, 'b', null],
    ]);
    assert.deepEqual(brief(await rowsOf(file, undefined, { unlabelled: 'keep' })), [
      [0, 'a', 'x'],
      [1, 'b', null],
    ]);
  });

  it('of pairs needs both texts', async () => {
    const file = fileOf('.csv', 'first,second,label\na,b,x\nc,,y\n');
    await assert.rejects(
      rowsOf(file, { text: 'first', pair: 'second', label: 'label' }),
      /line 3 \(row 2\), column "second": is empty/,
    );
    assert.deepEqual(await rowsOf(file, { text: 'first', pair: 'second', label: 'label' }, { maxRows: 1 }), [
      { number: 0, text: 'a', pair: 'b', label: 'x' },
    ]);
  });
});
