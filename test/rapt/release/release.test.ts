import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { canonicalJson, ErrorKind, RaptError, tuningConfigSchema } from '../../../contracts/index.ts';
import type { AdapterCard, Sha256, TuningConfig, TuningInput } from '../../../contracts/index.ts';
import { inspectTable, inspectTables } from '../../../rapt/data/index.ts';
import {
  drawPrediction,
  drawRelease,
  hashInput,
  hashInputs,
  openRelease,
  predictionSpec,
  readLocalLabels,
  readShard,
  tuningSpec,
} from '../../../rapt/release/index.ts';
import type { DrawnRelease, DrawReleaseOptions, ShardRows } from '../../../rapt/release/index.ts';
import { clientSecret } from '../../../rapt/ledger/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { backbone, FIRST_OUTPUT, guarantee, identity, outputIds, replacing, tokenizer } from './fakes.ts';

const scratch = temporaryFolder();
let names = 0;
const fresh = (suffix = ''): string => join(scratch, `${names++}${suffix}`);

/** Row r holds the words w(r % 400) w(7r % 400) w(3r % 400): tokens that the replacing mechanism never gives out. */
function csvOf(rows: number): string {
  const file = fresh('.csv');
  const lines = Array.from(
    { length: rows },
    (_, row) => `w${row % 400} w${(7 * row) % 400} w${(3 * row) % 400},${row % 3}`,
  );
  writeFileSync(file, `text,label\n${lines.join('\n')}\n`);
  return file;
}

const configOf = (data: TuningInput['data'], tuning: TuningInput['tuning'] = {}): TuningConfig =>
  tuningConfigSchema.parse({ data, tuning });

async function drawn(
  config: TuningConfig,
  folder: string,
  more: Partial<DrawReleaseOptions> = {},
): Promise<DrawnRelease> {
  const inspection = await inspectTables(config.data);
  return drawRelease({
    config,
    inspection,
    inputs: await hashInputs(inspection.tables),
    folder,
    tokenizer,
    mechanism: replacing(),
    outputIds,
    backbone,
    rowsPerShard: 64,
    ...more,
  });
}

async function shardsOf(folder: string, { manifest }: DrawnRelease): Promise<Record<'train' | 'test', ShardRows[]>> {
  const shards: Record<'train' | 'test', ShardRows[]> = { train: [], test: [] };
  for (const { file, split } of manifest.shards) shards[split].push(await readShard(join(folder, file)));
  return shards;
}

const listOf = ({ offsets, ids }: { offsets: Int32Array; ids: Int32Array }, row: number): number[] => [
  ...ids.subarray(offsets[row], offsets[row + 1]),
];
const bytesUnder = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );

describe('a release', () => {
  it('counts the tokens of the plain texts that the tokenizer does not know, for its client alone', async () => {
    const file = fresh('.csv');
    const lines = Array.from({ length: 100 }, (_, row) => `w1 ${row % 4 === 0 ? 'x' : 'w2'},${row % 2}`);
    writeFileSync(file, `text,label\n${lines.join('\n')}\n`);
    const folder = fresh();
    const release = await drawn(configOf({ train: file }), folder, { tokenizer: { ...tokenizer, unknownId: 0 } });
    assert.deepEqual([release.manifest.tokens, release.unknownRate], [200, 25 / 200]);
    assert.doesNotMatch(readFileSync(join(folder, 'manifest.json'), 'utf8'), /unknown/);
    assert.equal((await openRelease(folder))!.unknownRate, 25 / 200);
    assert.equal(
      (await drawn(configOf({ train: file }), fresh())).unknownRate,
      null,
      'by a tokenizer that does not say',
    );
  });

  describe('of 500 rows with five plain tokens each', () => {
    const folder = fresh();
    let release: DrawnRelease;
    let train: ShardRows[];
    let test: ShardRows[];
    before(async () => {
      const config = configOf({ train: csvOf(500) }, { reconstruction: { plainTokens: 5, vocabularySize: 100 } });
      release = await drawn(config, folder);
      ({ train, test } = await shardsOf(folder, release));
    });
    const all = (): ShardRows[] => [...train, ...test];

    it('states rows, tokens, classes, plain tokens and the guarantee', () => {
      const { rows, tokens, classes, plain, guarantee: stated } = release.manifest;
      assert.deepEqual([rows.train + rows.test, tokens, classes], [500, 1500, ['0', '1', '2']]);
      assert.deepEqual(plain, { tokensPerRow: 5, vocabulary: [...outputIds.slice(0, 100)] });
      assert.deepEqual(stated, guarantee);
    });

    it('is named by the digest of its manifest', () => {
      const bytes = readFileSync(join(folder, 'manifest.json'));
      assert.equal(release.digest, createHash('sha256').update(bytes).digest('hex'));
    });

    it('has a manifest in canonical JSON', () => {
      assert.equal(readFileSync(join(folder, 'manifest.json'), 'utf8'), canonicalJson(release.manifest));
    });

    it('fills each shard but the last', () => {
      const counts = train.slice(0, -1).map(({ count }) => count);
      assert.deepEqual(
        counts,
        counts.map(() => 64),
      );
    });

    it('holds each row once', () => {
      const numbers = all().flatMap(({ rows }) => [...rows]);
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        Array.from({ length: 500 }, (_, row) => row),
      );
    });

    it('holds rows in the order of the file', () => {
      for (const { rows } of all())
        assert.deepEqual(
          [...rows],
          [...rows].sort((a, b) => a - b),
        );
    });

    it('holds three privatized tokens for the three of each row, and no second text', () => {
      for (const { input, pair, count } of all()) {
        assert.ok(input.ids.every((id) => id >= FIRST_OUTPUT));
        assert.ok(Array.from({ length: count }, (_, row) => listOf(input, row)).every(({ length }) => length === 3));
        assert.equal(pair, null);
      }
    });

    it('holds five plain tokens a row, of the public vocabulary', () => {
      for (const { plain } of all()) {
        assert.equal(plain?.tokensPerRow, 5);
        assert.ok(plain.ids.every((id) => id >= FIRST_OUTPUT && id < FIRST_OUTPUT + 100));
      }
    });

    it('draws plain tokens anew for each row', () => {
      const different = new Set(
        all().flatMap(({ plain, count }) =>
          Array.from({ length: count }, (_, row) => String(plain!.ids.slice(row * 5, row * 5 + 5))),
        ),
      );
      assert.ok(different.size > 490, `${different.size} of 500`);
    });

    it('holds the labels of training rows', () => {
      for (const { labels, rows } of train)
        assert.deepEqual(
          [...(labels ?? [])],
          [...rows].map((row) => row % 3),
        );
    });

    it('holds no label of a test row', () => {
      assert.ok(test.every(({ labels }) => labels === null));
    });
  });

  it('keeps test labels, and what stayed unchanged, in a private folder that nothing names', async () => {
    const folder = fresh();
    const release = await drawn(configOf({ train: csvOf(300) }), folder, { mechanism: identity });
    const { rows, labels } = await readLocalLabels(folder);
    const { test } = await shardsOf(folder, release);
    assert.deepEqual(
      [...rows],
      test.flatMap((shard) => [...shard.rows]),
    );
    assert.deepEqual(
      [...labels],
      [...rows].map((row) => row % 3),
    );
    assert.equal(release.unchangedRate, 1);
    assert.ok(!readFileSync(join(folder, 'manifest.json'), 'utf8').includes('unchangedRate'));
    assert.equal(statSync(join(folder, 'private')).mode & 0o077, 0, 'for the user alone');
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => !name.endsWith('.parquet'))
        .sort(),
      ['manifest.json', 'private', 'tmp'],
    );
    assert.ok(
      readdirSync(folder)
        .filter((name) => name.endsWith('.parquet'))
        .every((name) => /^(train|test)-\d{5}\.parquet$/.test(name)),
    );
    assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  });

  it('with mechanism none holds the texts as they are and says that it is not private', async () => {
    const folder = fresh();
    const release = await drawn(configOf({ train: csvOf(300) }), folder, { mechanism: identity });
    const { train } = await shardsOf(folder, release);
    const [first] = train;
    assert.ok(first !== undefined && first.plain !== null);
    assert.deepEqual(first.plain.ids, first.plain.noisyIds);
    const row = first.rows[5] ?? 0;
    assert.deepEqual(listOf(first.input, 5), [row % 400, (7 * row) % 400, (3 * row) % 400]);
    assert.equal(release.manifest.guarantee.private, false);
  });

  it('holds no plain tokens without reconstruction', async () => {
    const folder = fresh();
    const release = await drawn(configOf({ train: csvOf(200) }, { reconstruction: false }), folder);
    assert.equal(release.manifest.plain, false);
    assert.ok((await shardsOf(folder, release)).train.every(({ plain }) => plain === null));
  });

  it('draws the training labels once where a label epsilon is set, and tells of the drawn ones alone', async () => {
    const config = {
      ...configOf({ train: csvOf(900) }),
      privacy: { mechanism: 'exponential' as const, labelEpsilon: 1, budget: {} },
    };
    const folder = fresh();
    const release = await drawn(config, folder);
    const { train, test } = await shardsOf(folder, release);
    const labels = train.flatMap((shard) => [...shard.labels!]);
    const rows = train.flatMap((shard) => [...shard.rows]);
    const kept = labels.filter((label, at) => label === rows[at]! % 3).length / labels.length;
    // e / (e + 2) = 0.576; five standard deviations of some 720 rows.
    assert.ok(Math.abs(kept - 0.576) < 0.093, `${kept} of the labels stayed`);
    assert.deepEqual(
      release.manifest.classCounts,
      [0, 1, 2].map((label) => labels.filter((other) => other === label).length),
    );
    assert.deepEqual({ ...release.manifest.labelNoise, keep: 0, flip: 0 }, { epsilon: 1, keep: 0, flip: 0 });
    assert.equal(release.manifest.guarantee.labelEpsilon, 1);
    assert.ok(test.every(({ labels: none }) => none === null));
    assert.deepEqual(
      [...(await readLocalLabels(folder)).labels],
      test.flatMap((shard) => [...shard.rows].map((row) => row % 3)),
      'test labels are scored with as they are',
    );
    assert.deepEqual((await drawn(config, folder)).digest, release.digest);
  });

  it('of pairs cuts the longer text first', async () => {
    const words = (count: number): string => Array.from({ length: count }, () => 'w1').join(' ');
    const file = fresh('.csv');
    writeFileSync(
      file,
      [
        'a,b,y',
        `${words(9)},${words(2)},x`,
        `${words(2)},${words(9)},y`,
        `${words(9)},${words(9)},x`,
        `${words(3)},${words(3)},y`,
      ].join('\n'),
    );
    const config = configOf({
      train: file,
      test: file,
      textColumn: 'a',
      pairColumn: 'b',
      labelColumn: 'y',
      maxTokens: 7,
    });
    const folder = fresh();
    const release = await drawn(config, folder);
    const [shard] = (await shardsOf(folder, release)).train;
    assert.ok(shard !== undefined && shard.pair !== null);
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => [
        listOf(shard.input, row).length,
        shard.pair === null ? 0 : listOf(shard.pair, row).length,
      ]),
      [
        [5, 2],
        [2, 5],
        [4, 3],
        [3, 3],
      ],
    );
    assert.equal(release.manifest.pair, true);
  });

  it('may hold a text without any token', async () => {
    const file = fresh('.csv');
    writeFileSync(file, 'text,label\nw1 w2,x\n\u00a0.,y\nw3,x\n');
    const folder = fresh();
    const release = await drawn(configOf({ train: file, test: file }), folder, {
      tokenizer: { encode: (text, most) => tokenizer.encode(text.replace('.', ''), most) },
    });
    const [shard] = (await shardsOf(folder, release)).train;
    assert.deepEqual([...(shard?.input.offsets ?? [])], [0, 2, 2, 3]);
  });

  it('does not hold what was planted in the text, in any file', async () => {
    const file = fresh('.csv');
    writeFileSync(
      file,
      `text,label\n${Array.from({ length: 200 }, (_, row) => `w${row} PLANTEDWORD w333,${row % 2}`).join('\n')}\n`,
    );
    const folder = fresh();
    const release = await drawn(configOf({ train: file }), folder);
    for (const shard of Object.values(await shardsOf(folder, release)).flat())
      assert.ok(!shard.input.ids.includes(333) && !shard.input.ids.includes(0));
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes('PLANTED'), entry.name);
  });
});

describe('a release that exists', () => {
  it('is found again and nothing is drawn', async () => {
    const config = configOf({ train: csvOf(300) });
    const folder = fresh();
    const first = await drawn(config, folder);
    const progress: number[] = [];
    const mechanism = { ...replacing(), privatizeInTurns: (): never => assert.fail('drawn twice') };
    const second = await drawn(config, folder, { mechanism, onProgress: ({ rows }) => progress.push(rows) });
    assert.deepEqual({ ...second, reused: false }, first);
    assert.equal(second.reused, true);
    assert.deepEqual(progress, [300]);
    assert.deepEqual(await openRelease(folder), {
      manifest: first.manifest,
      digest: first.digest,
      unchangedRate: first.unchangedRate,
      unknownRate: first.unknownRate,
      takenOver: 0,
    });
  });

  it('is refused when a shard was changed or is gone, and is not drawn anew', async () => {
    const config = configOf({ train: csvOf(300) });
    const folder = fresh();
    await drawn(config, folder);
    const shard = join(folder, 'train-00001.parquet');
    const bytes = readFileSync(shard);
    const corrupt = (error: unknown): boolean =>
      error instanceof RaptError && error.kind === ErrorKind.corruptArtifact && error.message.includes(shard);
    writeFileSync(
      shard,
      Buffer.concat([bytes.subarray(0, 50), Buffer.from([(bytes[50] ?? 0) ^ 1]), bytes.subarray(51)]),
    );
    await assert.rejects(drawn(config, folder), corrupt);
    rmSync(shard);
    await assert.rejects(drawn(config, folder), corrupt);
  });
});

describe('an interrupted release', () => {
  it('is finished from the first missing shard, with the manifest of one that was not interrupted', async () => {
    const config = configOf({ train: csvOf(600) });
    const folder = fresh();
    const stop = new AbortController();
    const aborted = drawn(config, folder, {
      signal: stop.signal,
      onProgress: ({ rows }) => {
        if (rows >= 200) stop.abort();
      },
    });
    await assert.rejects(aborted, { name: 'AbortError' });
    const before = bytesUnder(folder);
    assert.ok(Object.keys(before).length >= 3 && !existsSync(join(folder, 'manifest.json')));
    const { manifest, reused } = await drawn(config, folder);
    assert.equal(reused, false);
    const finished = bytesUnder(folder);
    for (const [name, sha256] of Object.entries(before)) assert.equal(finished[name], sha256);
    assert.deepEqual(Object.fromEntries(manifest.shards.map(({ file, sha256 }) => [file, sha256])), finished);
    rmSync(join(folder, 'manifest.json'));
    assert.deepEqual((await drawn(config, folder)).manifest, manifest);
  });

  it('leaves the tables of its tokens to the next attempt in its private folder, none when it is whole', async () => {
    const config = configOf({ train: csvOf(600) });
    const folder = fresh();
    const tables = join(folder, 'private', 'tables');
    const found: string[][] = [];
    const mechanism: DrawReleaseOptions['mechanism'] = {
      ...replacing(),
      keepTables: (given) => {
        assert.equal(given, tables);
        mkdirSync(given, { recursive: true });
        found.push(readdirSync(given));
        writeFileSync(join(given, `attempt-${found.length}`), '');
        return Promise.resolve();
      },
    };
    const stop = new AbortController();
    await assert.rejects(drawn(config, folder, { mechanism, signal: stop.signal, onProgress: () => stop.abort() }), {
      name: 'AbortError',
    });
    await drawn(config, folder, { mechanism });
    assert.deepEqual(found, [[], ['attempt-1']]);
    assert.equal(existsSync(tables), false);
    mkdirSync(tables);
    await drawn(config, folder, { mechanism });
    assert.equal(existsSync(tables), false, 'also when the process ended before they were removed');
  });

  it('loses the temporary files of processes that are gone, and no others', async () => {
    const folder = fresh();
    const temporaries = join(folder, 'tmp');
    mkdirSync(temporaries, { recursive: true });
    const file = (host: string, pid: number, hours: number): string => {
      const path = join(temporaries, `${host}-${pid}-0123456789ab`);
      writeFileSync(path, 'half');
      const then = new Date(Date.now() - hours * 3_600_000);
      utimesSync(path, then, then);
      return path;
    };
    const deadHere = file(hostname(), 2 ** 22 + 7, 0);
    const aliveHere = file(hostname(), process.ppid, 0);
    const elsewhere = file('another-host', 2 ** 22 + 7, 0);
    const oldElsewhere = file('another-host', 3, 2);
    await drawn(configOf({ train: csvOf(200) }), folder);
    assert.deepEqual(
      [deadHere, aliveHere, elsewhere, oldElsewhere].map((path) => existsSync(path)),
      [false, true, true, false],
    );
  });

  it('keeps no shard from a table that changed meanwhile', async () => {
    const train = csvOf(600);
    const config = configOf({ train });
    const folder = fresh();
    let shards = 0;
    const change = drawn(config, folder, {
      onProgress: ({ rows }) => {
        if (rows < 192 || shards > 0) return;
        shards = Object.keys(bytesUnder(folder)).length;
        writeFileSync(train, readFileSync(train));
      },
    });
    await assert.rejects(
      change,
      (error: RaptError) =>
        error.kind === ErrorKind.badInput && /changed while it was being privatized/.test(error.message),
    );
    assert.equal(Object.keys(bytesUnder(folder)).length, shards);
  });
});

describe('two attempts at once', () => {
  it('give one version', async () => {
    const config = configOf({ train: csvOf(2000) });
    const folder = fresh();
    const [left, right] = await Promise.all([drawn(config, folder), drawn(config, folder)]);
    assert.equal(left.digest, right.digest);
    assert.deepEqual(
      Object.fromEntries(left.manifest.shards.map(({ file, sha256 }) => [file, sha256])),
      bytesUnder(folder),
    );
    assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  });
});

describe('the release key', () => {
  const secret = new Uint8Array(32).fill(1);
  const inspection = { classes: ['0', '1', '2'], classCounts: { train: [4, 3, 3], test: [] } };
  const keyOf = async (
    config: TuningConfig,
    inputs = hashInputs({ train: config.data.train, test: null }),
    more: Partial<Parameters<typeof tuningSpec>[0]> = {},
    by = secret,
  ): Promise<string> => {
    const drawnBy = { ...guarantee, mechanism: config.privacy.mechanism };
    return tuningSpec({ config, inputs: await inputs, inspection, backbone, outputIds, drawnBy, ...more }).toKey(by);
  };

  it('is the same for the same content, wherever it lies and however it is trained on', async () => {
    const [one, copy] = [csvOf(10), csvOf(10)];
    assert.equal(await keyOf(configOf({ train: one })), await keyOf(configOf({ train: copy }, { epochs: 9, seed: 5 })));
    assert.match(await keyOf(configOf({ train: one })), /^[0-9a-f]{32}$/);
  });

  it('differs with content, columns, limits, split, plain tokens, mechanism, eta, backbone and tenant', async () => {
    const train = csvOf(10);
    const config = configOf({ train });
    const inputs = hashInputs({ train, test: null });
    const keys = [
      await keyOf(config),
      await keyOf(configOf({ train: csvOf(11) })),
      await keyOf(configOf({ train, textColumn: 'label', labelColumn: 'text' })),
      await keyOf(configOf({ train, maxTrainRows: 5 })),
      await keyOf(configOf({ train, testFraction: 0.3 })),
      await keyOf(configOf({ train, maxTokens: 5 })),
      await keyOf(config, hashInputs({ train, test: train })),
      await keyOf(configOf({ train }, { reconstruction: { plainTokens: 3 } })),
      await keyOf({ ...config, privacy: { mechanism: 'laplace', budget: {} } }),
      await keyOf({ ...config, privacy: { ...config.privacy, labelEpsilon: 1 } }),
      await keyOf({ ...config, tenant: 'other' }),
      await keyOf(config, inputs, { drawnBy: { ...guarantee, eta: 15 } }),
      await keyOf(config, inputs, { backbone: { ...backbone, sha256: guarantee.table.sha256 as Sha256 } }),
      await keyOf(config, inputs, {}, new Uint8Array(32).fill(2)),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('is made with a secret that a client makes once', async () => {
    const folder = fresh();
    const [one, other] = await Promise.all([clientSecret(folder), clientSecret(folder)]);
    assert.deepEqual(one, other);
    assert.equal(one.length, 32);
    assert.equal(statSync(join(folder, 'release-key')).mode & 0o077, 0);
  });
});

describe('the release of a prediction', () => {
  it('holds the rows of one table without labels, with plain tokens as the adapter learned them', async () => {
    const file = csvOf(100);
    const card: AdapterCard = {
      format: 'rapt-adapter/1',
      backbone,
      method: 'prefix',
      length: 20,
      pooling: 'mean',
      classes: ['no', 'yes'],
      pair: false,
      maxTokens: 2,
      plain: { tokensPerRow: 4, vocabulary: [600, 601] },
      guarantee,
      release: backbone.sha256,
      trainingDigest: backbone.sha256,
    };
    const folder = fresh();
    const columns = { text: 'text' };
    const { rows } = await inspectTable(file, columns);
    const input = await hashInput(file);
    const release = await drawPrediction({
      tenant: 'local',
      card,
      input,
      columns,
      rows,
      backbone,
      folder,
      tokenizer,
      mechanism: replacing(),
    });
    const { train, test } = await shardsOf(folder, release);
    assert.equal(train.length, 0);
    assert.deepEqual(release.manifest.rows, { train: 0, test: 100 });
    assert.ok(
      test.every(
        ({ plain, input: { ids }, labels }) =>
          plain?.ids.every((id) => id === 600 || id === 601) === true && ids.length === 200 && labels === null,
      ),
    );
    await assert.rejects(readLocalLabels(folder), (error: RaptError) => error.kind === ErrorKind.notFound);
    const secret = await clientSecret(fresh());
    const keyOf = (tenant: string): string => predictionSpec({ tenant, card, input, columns, backbone }).toKey(secret);
    assert.match(keyOf('local'), /^[0-9a-f]{32}$/);
    assert.notEqual(keyOf('local'), keyOf('other'));
  });
});
