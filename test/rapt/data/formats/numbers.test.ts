import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  Float64,
  makeData,
  makeVector,
  Table,
  tableToIPC,
  Timestamp,
  TimeUnit,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { tuningConfigSchema } from '../../../../contracts/index.ts';
import { inspectTables, readTable } from '../../../../rapt/data/index.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const folder = temporaryFolder();
let files = 0;

async function labelsOf(...lines: string[]): Promise<(string | null)[]> {
  const file = join(folder, `numbers${files++}.jsonl`);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  const labels: (string | null)[] = [];
  for await (const { label } of readTable(file, { text: 'text', label: 'label' })) labels.push(label);
  return labels;
}

const withLabels = (...numbers: string[]): string[] => numbers.map((number) => `{"text":"x","label":${number}}`);

describe('a number as a label', () => {
  it('is written as before if 64 bits hold it', async () => {
    const numbers = [
      '1',
      '1.0',
      '-2',
      '0.10',
      '1e2',
      '2.5e-3',
      '9007199254740991',
      '0.1234567890123',
      '1E+15',
      '100000000000000000000',
      '0',
      '-0',
      '0.30000000000000004',
    ];
    assert.deepEqual(
      await labelsOf(...withLabels(...numbers)),
      numbers.map((number) => String(JSON.parse(number))),
    );
  });

  it('stays as it is written if it would be rounded, so that no two become one', async () => {
    const numbers = [
      '12345678901234567890',
      '12345678901234567891',
      '9007199254740993',
      '0.12345678901234567890',
      '1e400',
      '-1e400',
      '1e-400',
      '1.00000000000000000001',
    ];
    assert.deepEqual(await labelsOf(...withLabels(...numbers)), numbers);
  });

  it('is found whatever stands around it', async () => {
    const lines = [
      '{"label":12345678901234567890,"text":"x \\"label\\":1, \\\\\\" 11111111111111111111"}',
      '{ "other" : {"label":1,"list":[{"label":2},"]"]} , "l\\u0061bel" : 12345678901234567890 ,"text":"x"}',
      '{"label":1,"text":"x","label":12345678901234567890}',
      '{"text":"99999999999999999999 label","label":7}',
      '{"text":"x","label":"12345678901234567890.0"}',
    ];
    assert.deepEqual(await labelsOf(...lines), [
      '12345678901234567890',
      '12345678901234567890',
      '12345678901234567890',
      '7',
      '12345678901234567890.0',
    ]);
  });
});

describe('NaN or an infinity', () => {
  const noText = /column "text": is empty while the rest of the row is not/;
  const parquetOf = (texts: (string | null)[], labels: number[]): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'text', data: texts, type: 'STRING' },
          { name: 'label', data: labels, type: 'DOUBLE' },
        ],
      }),
    );
  const arrowOf = (texts: (string | null)[], labels: number[], kind: 'stream' | 'file'): Uint8Array =>
    tableToIPC(
      new Table({ text: vectorFromArray(texts, new Utf8()), label: vectorFromArray(labels, new Float64()) }),
      kind,
    );
  const json =
    '{"text":"a","label":0}\n{"text":"b","label":NaN}\n{"text":"c","label":1}\n' +
    '{"text":"d","label":-Infinity,"score":12345678901234567890}\n';

  it('is not a label in any format: its rows are counted and left out', async () => {
    const tables: Readonly<Record<string, string | Uint8Array>> = {
      'nan.csv': 'text,label\na,0\nb,NaN\nc,1\nd,\n',
      'nan.tsv': 'text\tlabel\na\t0\nb\tNaN\nc\t1\nd\t\n',
      'nan.jsonl': json,
      'first.json': json.split('\n').slice(1, 2).concat(json.trim().split('\n')).join('\n'),
      'array.json': `[${json.trim().replaceAll('\n', ',')}]`,
      'nan.parquet': parquetOf(['a', 'b', 'c', 'd'], [0, NaN, 1, -Infinity]),
      'nan.feather': arrowOf(['a', 'b', 'c', 'd'], [0, NaN, 1, Infinity], 'file'),
      'nan.arrow': arrowOf(['a', 'b', 'c', 'd'], [0, NaN, 1, Infinity], 'stream'),
    };
    for (const [name, content] of Object.entries(tables)) {
      const file = join(folder, name);
      writeFileSync(file, content);
      const labels: (string | null)[] = [];
      for await (const { label } of readTable(file, { text: 'text', label: 'label' }, { unlabelled: 'keep' }))
        labels.push(label);
      assert.deepEqual(labels.slice(-4), ['0', null, '1', null], name);
      const { data } = tuningConfigSchema.parse({ data: { train: file, test: file } });
      const { classes, unlabelled } = await inspectTables(data);
      assert.deepEqual([classes, unlabelled.train], [['0', '1'], name === 'first.json' ? 3 : 2], name);
    }
  });

  it('is not a text, and stays as it is within a string', async () => {
    assert.deepEqual(await labelsOf('{"text":"x","label":"say \\"NaN\\", Infinity","score":NaN}'), [
      'say "NaN", Infinity',
    ]);
    await assert.rejects(labelsOf('{"text":NaN,"label":1}'), noText);
    for (const line of [
      '{"text":"x","label":NaNa}',
      '{"text":"x","label":1NaN}',
      '{"text":"x NaN',
      '{"text":"x","label":nan}',
    ])
      await assert.rejects(labelsOf('{"text":"a","label":1}', line), /is not valid JSON/, line);
  });
});

describe('a point in time as a label', () => {
  it('has as many digits as tell it from others, and at least three', async () => {
    const ns = [0n, 1n, 1_000n, 1_700_000_000_123_000_000n, -1n];
    const expected = [
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:00.000000001Z',
      '1970-01-01T00:00:00.000001Z',
      '2023-11-14T22:13:20.123Z',
      '1969-12-31T23:59:59.999999999Z',
    ];
    const us = expected.filter((_, at) => at !== 1 && at !== 4);
    const texts = ns.map(() => 'x');
    const stamps = (unit: TimeUnit, counts: readonly bigint[]) =>
      makeVector(makeData({ type: new Timestamp(unit), length: counts.length, data: BigInt64Array.from(counts) }));
    const parquet = (unit: 'MICROS' | 'NANOS', counts: bigint[]): Uint8Array =>
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'text', data: counts.map(() => 'x') },
            { name: 'label', data: counts },
          ],
          schema: [
            { name: 'root', num_children: 2 },
            { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
            {
              name: 'label',
              type: 'INT64',
              logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
              repetition_type: 'REQUIRED',
            },
          ],
        }),
      );
    const inUs = ns.filter((_, at) => at !== 1 && at !== 4).map((count) => count / 1000n);
    const tables: readonly (readonly [string, Uint8Array, readonly string[]])[] = [
      [
        'ns.feather',
        tableToIPC(
          new Table({ text: vectorFromArray(texts, new Utf8()), label: stamps(TimeUnit.NANOSECOND, ns) }),
          'file',
        ),
        expected,
      ],
      [
        'us.feather',
        tableToIPC(
          new Table({
            text: vectorFromArray(
              us.map(() => 'x'),
              new Utf8(),
            ),
            label: stamps(TimeUnit.MICROSECOND, inUs),
          }),
          'file',
        ),
        us,
      ],
      ['ns.parquet', parquet('NANOS', ns), expected],
      ['us.parquet', parquet('MICROS', inUs), us],
    ];
    for (const [name, content, labels] of tables) {
      const file = join(folder, name);
      writeFileSync(file, content);
      const read: (string | null)[] = [];
      for await (const { label } of readTable(file, { text: 'text', label: 'label' })) read.push(label);
      assert.deepEqual(read, labels, name);
    }
  });
});
