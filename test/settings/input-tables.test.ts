/** The data owner's tables in S3, in a real MinIO. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { minioClient } from '../support/minio-client.ts';
import { BadInput, ErrorKind, RaptError, tuningConfigSchema } from '../../contracts/index.ts';
import { readTablesFromS3 } from '../../settings/index.ts';
import { inspectColumns, inspectTables, readTable, resolveTables, sourceOf } from '../../rapt/data/index.ts';
import { hashInput } from '../../rapt/release/index.ts';
import { minioOfFile } from '../support/minio.ts';
import { startHttpProxy, type Answer } from '../support/proxies.ts';

const { server } = await minioOfFile();
const { endpoint, bucket, accessKey, secretKey } = server.options;
const client = minioClient(server.options);
const ENV = { AWS_ENDPOINT_URL_S3: endpoint, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
readTablesFromS3(ENV);

const ROWS = Array.from({ length: 500 }, (_, at) => ({ text: `text ${at} 🎬`, label: at % 3 === 0 ? 'a' : 'b' }));
const csv = `text,label\n${ROWS.map(({ text, label }) => `${text},${label}\n`).join('')}`;
const jsonl = ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');
const parquet = Buffer.from(
  parquetWriteBuffer({
    columnData: [
      { name: 'text', data: ROWS.map(({ text }) => text), type: 'STRING' },
      { name: 'label', data: ROWS.map(({ label }) => label), type: 'STRING' },
    ],
    rowGroupSize: 100,
  }),
);

async function put(key: string, content: string | Buffer): Promise<string> {
  await client.putObject(bucket, key, Buffer.from(content));
  return `s3://${bucket}/${key}`;
}

async function rowsOf(address: string): Promise<{ text: string; label: string | null }[]> {
  const rows: { text: string; label: string | null }[] = [];
  for await (const { text, label } of readTable(address, { text: 'text', label: 'label' })) rows.push({ text, label });
  return rows;
}

async function refusal(action: Promise<unknown>): Promise<RaptError> {
  try {
    await action;
  } catch (error) {
    assert.ok(error instanceof RaptError, inspect(error));
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secretKey), 'no credentials in an error');
    return error;
  }
  return assert.fail('it was not refused');
}

describe('a table in S3', () => {
  const contents: readonly [string, string | Buffer][] = [
    ['tables/Ärger & co.csv', csv],
    ['tables/a.tsv', csv.replaceAll(',', '\t')],
    ['tables/a.jsonl', jsonl],
    ['tables/a.csv.gz', gzipSync(csv)],
    ['tables/a.jsonl.gz', gzipSync(jsonl)],
    ['tables/a.parquet', parquet],
    [
      'tables/a.feather',
      Buffer.from(
        tableToIPC(
          new Table({
            text: vectorFromArray(ROWS.map(({ text }) => text)),
            label: vectorFromArray(ROWS.map(({ label }) => label)),
          }),
          'file',
        ),
      ),
    ],
    ['tables/zipped.csv', gzipSync(csv)],
    ['tables/parquet.csv', parquet],
  ];
  for (const [key, content] of contents)
    it(`is read as the same file on the disk would be: ${key}`, async () => {
      assert.deepEqual(await rowsOf(await put(key, content)), ROWS);
    });

  it('of many parts is read on where its connection broke', async () => {
    const big =
      `text,label\n${'x'.repeat(300)},a\n`.padEnd(24, ' ') +
      Array.from({ length: 20_000 }, (_, at) => `text ${at} ${'y'.repeat(80)},b\n`).join('');
    const address = await put('big.csv', big);
    const answers: Answer[] = ['pass', 'pass', 'cut the answer', 'break', 'cut the answer'];
    const ranges: (string | undefined)[] = [];
    const proxy = await startHttpProxy(endpoint, ({ method, headers }) => {
      if (method === 'GET') ranges.push(headers.range);
      return answers.shift() ?? 'pass';
    });
    readTablesFromS3({ ...ENV, AWS_ENDPOINT_URL_S3: proxy.endpoint });
    try {
      assert.equal((await rowsOf(address)).length, 20_001);
      assert.ok(
        ranges.some((range) => range !== undefined && range !== 'bytes=0-'),
        ranges.join(),
      );
    } finally {
      proxy.close();
      readTablesFromS3(ENV);
    }
  });

  it('that changes while it is read is noticed, as is one that changes after it was hashed', async () => {
    const address = await put('changing.parquet', parquet);
    const { version } = (await sourceOf(address).stat(address))!;
    await hashInput(address);
    await put(
      'changing.parquet',
      Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'text', data: ['new'], type: 'STRING' }] })),
    );
    const read = async (): Promise<void> => {
      for await (const _chunk of sourceOf(address).read(address, { start: 0, end: 10, version }));
    };
    assert.equal(
      (await refusal(read())).message,
      `${address}: changed while it was being read; start again when it is complete`,
    );
    assert.notEqual((await sourceOf(address).stat(address))!.version, version);
  });

  it('may be a data set folder, and a whole bucket', async () => {
    await client.makeBucket('dataset');
    for (const [key, content] of [
      ['data/train-0.parquet', parquet],
      ['data/train-1.csv.gz', gzipSync(csv)],
      ['data/test-0.jsonl', jsonl],
    ] as const)
      await client.putObject('dataset', key, Buffer.from(content));
    for (const address of ['s3://dataset/data', 's3://dataset/data/', 's3://dataset']) {
      assert.deepEqual(await rowsOf(address), [...ROWS, ...ROWS]);
      const { data } = tuningConfigSchema.parse({ data: { train: address } });
      assert.deepEqual(await rowsOf((await resolveTables(data)).test!), ROWS);
      assert.deepEqual((await inspectTables(data)).rows, { train: 1000, test: 500 });
    }
    const { sha256 } = await hashInput('s3://dataset/data');
    await client.putObject('dataset', 'data/train-0.parquet', gzipSync('x'));
    assert.notEqual((await hashInput('s3://dataset/data')).sha256, sha256);
  });

  it('that is wrong is told by address, line, row and column', async () => {
    const address = await put('wrong.csv.gz', gzipSync('text,label\none,a\nplanted,\n'));
    const error = await refusal(rowsOf(address));
    assert.equal(
      error.message,
      `${address}, line 3 (row 2), column "label": is empty while the rest of the row is not; fill it in, or empty ` +
        'the whole row',
    );
    assert.match(
      (await refusal(rowsOf(await put('cut.csv.gz', gzipSync(csv).subarray(0, 200))))).message,
      /cut\.csv\.gz: is not a complete gzip file/,
    );
    assert.match(
      (
        await refusal(
          rowsOf(await put('pointer.parquet', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n')),
        )
      ).message,
      /pointer\.parquet: is a Git LFS pointer.*`git lfs pull`/,
    );
    assert.match(
      (await refusal(rowsOf(await put('cut.parquet', parquet.subarray(0, 200))))).message,
      /cut\.parquet: is not a complete Parquet file/,
    );
  });

  it('that is not there, or may not be read, is told with what to do', async () => {
    const { data } = tuningConfigSchema.parse({ data: { train: `s3://${bucket}/nothing.csv` } });
    assert.deepEqual(await inspectColumns(data), [
      { where: data.train, problem: "does not exist; give the address of a table, or of a data set's folder" },
    ]);
    assert.match(
      (await refusal(rowsOf('s3://no-such-bucket/a.csv'))).message,
      /^s3:\/\/no-such-bucket\/a\.csv: does not exist/,
    );
    for (const address of ['s3:///a.csv', 's3://Not A Bucket/a.csv'])
      assert.match((await refusal(rowsOf(address))).message, /must have the form s3:\/\/bucket\/key/);
    const address = await put('private.csv', csv);
    for (const [env, expected] of [
      [
        { ...ENV, AWS_SECRET_ACCESS_KEY: 'wrong-secret' },
        /may not be read \(.*\); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
      ],
      [{ AWS_ENDPOINT_URL: endpoint }, /may not be read \(.*\); check AWS_ACCESS_KEY_ID/],
      [
        { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: accessKey },
        /^AWS_SECRET_ACCESS_KEY: is needed with AWS_ACCESS_KEY_ID/,
      ],
    ] as const) {
      readTablesFromS3(env);
      const error = await refusal(rowsOf(address));
      assert.ok(error instanceof BadInput, inspect(error));
      assert.match(error.message, expected);
    }
    readTablesFromS3({ ...ENV, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' });
    const away = await refusal(rowsOf(address));
    assert.equal(away.kind, ErrorKind.unavailable);
    readTablesFromS3(ENV);
  });
});
