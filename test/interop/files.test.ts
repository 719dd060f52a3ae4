/** A run on a data set in the data owner's own S3, its files opened by the packages that people have, and an adapter of
 *  PEFT's asked by Rapt: on a stack of its own. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { minioClient } from '../support/minio-client.ts';
import { CHECKPOINT_FILES, keys, releaseManifestSchema, type TuningResult } from '../../contracts/index.ts';
import { locateBackbone } from '../../rapt/backbone/index.ts';
import { readSafetensors } from '../../rapt/safetensors.ts';
import { CheckpointPointerCell } from '../../storage/index.ts';
import { sentences } from '../e2e/reviews.ts';
import { docsBlock } from '../support/docs-blocks.ts';
import { minioOfFile } from '../support/minio.ts';
import { runPython } from '../support/python.ts';
import { TestStack } from '../support/stack.ts';

const TRAIN_ROWS = 40;
const TEST_ROWS = 10;
const ROWS = TRAIN_ROWS + TEST_ROWS;
const ASKED = 40;
const CLASSES = ['bad', 'fair', 'good'];
const TOLERANCE = 1e-4;

const stack = new TestStack();
const { server: own } = await minioOfFile();
/** Of Rapt alone: Polars would take this endpoint before the one that it is given. */
const OWN_S3 = {
  AWS_ENDPOINT_URL_S3: own.options.endpoint,
  AWS_ACCESS_KEY_ID: own.options.accessKey,
  AWS_SECRET_ACCESS_KEY: own.options.secretKey,
};
const DATASET = 's3://our-texts/data';
let run: TuningResult;

async function putTable(name: string, rows: readonly object[]): Promise<string> {
  const client = minioClient(own.options);
  if (!(await client.bucketExists('our-texts'))) await client.makeBucket('our-texts');
  await client.putObject('our-texts', `data/${name}`, gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
  return `${DATASET}/${name}`;
}

before(
  async () => {
    await putTable('train-00000.jsonl.gz', sentences().slice(0, TRAIN_ROWS));
    await putTable('test-00000.jsonl.gz', sentences().slice(TRAIN_ROWS, ROWS));
    Object.assign(process.env, OWN_S3);
    await stack.json(['up']);
    const small = ['tuning.epochs=1', 'tuning.length=4', 'tuning.reconstruction=false', 'audit=false'].flatMap(
      (setting) => ['--set', setting],
    );
    run = await stack.json<TuningResult>([
      'run',
      '--id',
      'nightly',
      '--set',
      `data={"train":"${DATASET}","maxTokens":32}`,
      ...small,
      '--wait',
    ]);
  },
  { timeout: 800_000 },
);
after(() => stack.remove(), { timeout: 400_000 });

test('a run reads its training and test split from a data set in S3', () => {
  assert.deepEqual([run.status, run.metrics.test.n], ['completed', TEST_ROWS]);
});

test(
  'by the documented lines a release opens in pandas, Polars and DuckDB, a checkpoint in safetensors',
  { timeout: 600_000 },
  async (t) => {
    const [begin, pandas, polars, duckdb, checkpoint] = [
      'release = ',
      'import pandas',
      'import polars',
      'import duckdb',
      'import s3fs',
    ].map((line) => docsBlock('files.md', line));
    const found = await runPython<{
      tables: Record<string, [number, number[], number][]>;
      weights: Record<string, [number[], string]>;
    }>(
      'files_side.py',
      {
        release: run.release.uri,
        run: 'nightly',
        stack: join(stack.home, 'stack', 'stack.json'),
        begin,
        readers: { pandas, polars, duckdb },
        checkpoint,
      },
      { HOME: stack.home, ...Object.fromEntries(Object.keys(OWN_S3).map((name) => [name, undefined])) },
    );

    const store = stack.store();
    const manifest = releaseManifestSchema.parse(
      JSON.parse(
        (await store.read(`${keys.releasePrefix('local', run.release.sha256)}manifest.json`))!.body.toString('utf8'),
      ),
    );
    const [shard] = manifest.shards.filter(({ split }) => split === 'train');
    const file = join(stack.home, 'shard.parquet');
    await store.getToFile(
      {
        bucket: store.bucket,
        key: keys.releasePrefix('local', run.release.sha256) + shard!.file,
        sha256: shard!.sha256,
        sizeBytes: shard!.sizeBytes,
      },
      file,
    );
    const read = (await parquetReadObjects({
      file: await asyncBufferFromFile(file),
      columns: ['row', 'input_ids', 'label'],
    })) as { row: number; input_ids: Iterable<number>; label: number }[];
    const rows = read.map(({ row, input_ids: ids, label }) => [row, [...ids], label]);
    assert.equal(rows.length, manifest.rows.train);
    assert.equal(rows.length, TRAIN_ROWS);
    for (const [name, opened] of Object.entries(found.tables)) assert.deepEqual(opened, rows, name);
    t.diagnostic(`${rows.length} rows by ${Object.keys(found.tables).join(', ')}`);

    const { files } = (await CheckpointPointerCell.open(store, 'local', 'nightly')).current!.newest;
    const weights = join(stack.home, CHECKPOINT_FILES[0]);
    await store.getToFile(files['weights.safetensors'], weights);
    const own = Object.entries(readSafetensors(weights)).map(([name, { shape, values }]) => [
      name,
      [
        [...shape],
        createHash('sha256')
          .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
          .digest('hex'),
      ],
    ]);
    assert.deepEqual(found.weights, Object.fromEntries(own));
    assert.ok(own.length >= 3);
  },
);

test(
  'an adapter that PEFT trained elsewhere is imported, and answers as it does in PEFT',
  { timeout: 600_000 },
  async (t) => {
    const backbone = await locateBackbone('all-MiniLM-L6-v2');
    const folder = join(stack.home, 'peft');
    const texts = sentences()
      .slice(ROWS, ROWS + ASKED)
      .map(({ text }) => text);
    const {
      trained: [logits],
    } = await runPython<{ trained: number[][][] }>('peft_side.py', {
      backbone: backbone.folder,
      texts,
      trained: [{ folder, method: 'prompt' }],
    });

    const named = ['import', folder, '--backbone', 'all-MiniLM-L6-v2', '--classes', CLASSES.join()];
    const imported = await stack.json<{ run: string; adapter: string; eta: number | null }>([
      ...named,
      '--id',
      'bought',
      '--mechanism',
      'none',
    ]);
    assert.deepEqual([imported.run, imported.eta], ['bought', null]);
    assert.equal(
      (await stack.json<{ adapter: string }>([...named, '--id', 'bought', '--mechanism', 'none'])).adapter,
      imported.adapter,
    );
    const [taken, other, few] = await Promise.all([
      stack.rapt(...named, '--id', 'nightly'),
      stack.rapt(...named, '--id', 'bought', '--eta', '20'),
      stack.rapt('import', folder, '--backbone', 'all-MiniLM-L6-v2', '--id', 'third', '--classes', 'bad,good'),
    ]);
    assert.deepEqual([taken.code, other.code, few.code], [2, 2, 2]);
    assert.match(
      taken.stderr + other.stderr + few.stderr,
      /nightly is the name of a run.*\n[^]*bought names another imported adapter[^]*must be 3 different names/,
    );

    const asked = await putTable(
      'asked.jsonl.gz',
      texts.map((text) => ({ text })),
    );
    const answers = join(stack.home, 'answers.jsonl');
    await stack.json(['predict', '--run', 'bought', '--in', asked, '--out', answers]);
    const answered = readFileSync(answers, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { prediction: string; probability: number });
    assert.equal(answered.length, ASKED);
    let largest = 0;
    for (const [at, { prediction, probability }] of answered.entries()) {
      const row = logits![at]!;
      const best = row.indexOf(Math.max(...row));
      assert.equal(prediction, CLASSES[best]);
      largest = Math.max(
        largest,
        Math.abs(probability - 1 / row.reduce((sum, logit) => sum + Math.exp(logit - row[best]!), 0)),
      );
    }
    t.diagnostic(`${ASKED} texts: largest difference of a probability ${largest.toExponential(1)}`);
    assert.ok(largest <= TOLERANCE, `${largest} apart`);

    const { removed } = await stack.json<{ removed: boolean; objects: string[] }>(['gc', '--older-than', '0']);
    assert.equal(removed, true);
    const out = join(stack.home, 'exported');
    assert.equal(
      (await stack.json<{ sha256: string }>(['export', '--run', 'bought', '--out', out])).sha256,
      imported.adapter,
      'it outlives the garbage collection',
    );
    assert.equal(
      (JSON.parse(readFileSync(join(out, 'adapter_config.json'), 'utf8')) as { task_type: string }).task_type,
      'SEQ_CLS',
    );
  },
);
