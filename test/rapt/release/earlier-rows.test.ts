/** A table that has changed: rows that were released before are released as they were, and cost nothing. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BadInput,
  ErrorKind,
  tuningConfigSchema,
  type RaptError,
  type TuningConfig,
  type TuningInput,
} from '../../../contracts/index.ts';
import { inspectTables } from '../../../rapt/data/index.ts';
import {
  canTakeOver,
  chooseReleases,
  chosenReleases,
  drawRelease,
  EarlierRows,
  hashInputs,
  readShard,
  ReleaseSpec,
  rowsToDraw,
  tuningSpec,
  type DrawnRelease,
  type DrawReleaseOptions,
  type EarlierRelease,
} from '../../../rapt/release/index.ts';
import { DigestIndex } from '../../../rapt/release/digest-index.ts';
import { Turns } from '../../../rapt/turns.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { backbone, guarantee, outputIds, replacing, tokenizer } from './fakes.ts';

const scratch = temporaryFolder();
const secret = new Uint8Array(32).fill(7);
let names = 0;
const fresh = (suffix = ''): string => join(scratch, `${names++}${suffix}`);

/** Row r holds a text of its own and one of three labels. */
const rowOf = (row: number, label = row % 3): string =>
  `w${row % 400} w${(7 * row) % 400} w${Math.floor(row / 400)},${label}`;
function csvOf(rows: readonly string[]): string {
  const file = fresh('.csv');
  writeFileSync(file, `text,label\n${rows.join('\n')}\n`);
  return file;
}
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => rowOf(from + at));

function configOf(
  train: string,
  { labelEpsilon, ...data }: Partial<NonNullable<TuningInput['data']>> & { labelEpsilon?: number } = {},
): TuningConfig {
  return tuningConfigSchema.parse({
    data: { ...data, train },
    privacy: { labelEpsilon },
    tuning: { reconstruction: { plainTokens: 2, vocabularySize: 50 } },
  });
}

interface Drawn extends DrawnRelease {
  readonly folder: string;
  /** Tokens that the mechanism was given. */
  readonly given: number;
  /** Rows that the ledger is told of. */
  readonly charged: number;
}

async function drawn(
  config: TuningConfig,
  before: readonly EarlierRelease[] = [],
  more: Partial<DrawReleaseOptions> = {},
): Promise<Drawn> {
  const inspection = await inspectTables(config.data);
  const earlier = await EarlierRows.open(before, secret);
  let charged = 0;
  for await (const _row of rowsToDraw({ config, inspection, tokenizer }, earlier)) charged++;
  const folder = more.folder ?? fresh();
  const mechanism = replacing();
  let given = 0;
  const release = await drawRelease({
    config,
    inspection,
    inputs: await hashInputs(inspection.tables),
    tokenizer,
    outputIds,
    backbone,
    rowsPerShard: 32,
    earlier,
    mechanism: { ...mechanism, privatizeInTurns: (ids) => ((given += ids.length), mechanism.privatizeInTurns(ids)) },
    ...more,
    folder,
  });
  return { ...release, folder, given, charged };
}

interface Version {
  readonly input: readonly number[];
  readonly plain: readonly number[];
  readonly noisyPlain: readonly number[];
  readonly label: number | undefined;
}

/** What was released of each row, by its number. */
async function versionsOf({ folder, manifest }: Drawn): Promise<Map<number, Version>> {
  const found = new Map<number, Version>();
  for (const { file } of manifest.shards) {
    const { rows, input, plain, labels } = await readShard(join(folder, file));
    for (const [at, row] of rows.entries())
      found.set(row, {
        input: [...input.ids.subarray(input.offsets[at], input.offsets[at + 1])],
        plain: [...plain!.ids.subarray(2 * at, 2 * at + 2)],
        noisyPlain: [...plain!.noisyIds.subarray(2 * at, 2 * at + 2)],
        label: labels?.[at],
      });
  }
  return found;
}

/** Tokens of a drawn row: three of the text, two plain ones. */
const TOKENS = 5;

describe('a table that has grown', () => {
  it('is released with its old rows as they were, and only its new rows are drawn and charged', async () => {
    const first = await drawn(configOf(csvOf(range(0, 200))));
    assert.deepEqual([first.given, first.charged, first.takenOver], [200 * TOKENS, 200, 0]);
    const second = await drawn(configOf(csvOf(range(0, 260))), [first]);
    assert.deepEqual([second.given, second.charged, second.takenOver], [60 * TOKENS, 60, 200]);
    const [before, after] = [await versionsOf(first), await versionsOf(second)];
    assert.equal(after.size, 260);
    for (const [row, version] of before) assert.deepEqual(after.get(row), version, `row ${row}`);
    const again = await drawn(configOf(csvOf(range(0, 260))), [first]);
    assert.notDeepEqual((await versionsOf(again)).get(250), after.get(250), 'new rows are drawn');
  });

  it('takes each row from the release that drew it, however many there were', async () => {
    const first = await drawn(configOf(csvOf(range(0, 100))));
    const second = await drawn(configOf(csvOf(range(0, 150))), [first]);
    const third = await drawn(configOf(csvOf(range(0, 170))), [first, second]);
    assert.deepEqual([third.charged, third.takenOver], [20, 150]);
    const [of2, of3] = [await versionsOf(second), await versionsOf(third)];
    for (const [row, version] of of2) assert.deepEqual(of3.get(row), version);
  });

  it('may be in another order, and lack rows', async () => {
    const first = await drawn(configOf(csvOf(range(0, 120)), { testFraction: 0.5 }));
    const second = await drawn(configOf(csvOf(range(20, 130).reverse()), { testFraction: 0.5 }), [first]);
    assert.deepEqual([second.charged, second.takenOver], [10, 100]);
    const [before, after] = [await versionsOf(first), await versionsOf(second)];
    // Row r of the second table is row 129 - r of the first; it may train now and have tested then.
    for (let row = 10; row < 110; row++) assert.deepEqual(after.get(row)!.input, before.get(129 - row)!.input);
  });

  it('has a version for each time that a row stands in it, and each is taken over once', async () => {
    const twice = [...range(0, 60), rowOf(5), rowOf(5)];
    const first = await drawn(configOf(csvOf(twice)));
    const second = await drawn(configOf(csvOf([...twice, rowOf(5), rowOf(61)])), [first]);
    assert.deepEqual([second.charged, second.takenOver], [2, 62]);
    const after = await versionsOf(second);
    assert.equal(new Set([5, 60, 61, 62].map((row) => String(after.get(row)!.input))).size, 4);
  });

  it('keeps drawn labels with their rows, and draws anew a row whose label was corrected', async () => {
    const labelled = { labelEpsilon: 1, testFraction: 0.3 };
    const first = await drawn(configOf(csvOf(range(0, 150)), labelled));
    const [before] = [await versionsOf(first)];
    const trained = [...before].filter(([, { label }]) => label !== undefined).map(([row]) => row);
    const corrected = trained[3]!;
    const rows = range(0, 160).map((text, row) => (row === corrected ? rowOf(row, (row + 1) % 3) : text));
    const second = await drawn(configOf(csvOf(rows), labelled), [first]);
    assert.deepEqual([second.charged, second.takenOver], [11, 149]);
    const after = await versionsOf(second);
    for (const row of trained) if (row !== corrected) assert.equal(after.get(row)!.label, before.get(row)!.label);
    assert.notDeepEqual(after.get(corrected)!.input, before.get(corrected)!.input);
  });
});

describe('labels that were drawn among other classes', () => {
  it('are not gone on with: a release that an earlier version began, by the classes of a part', async () => {
    const rows = range(0, 150).map((row, at) => (at < 120 ? rowOf(at, at % 2) : row));
    const config = configOf(csvOf(rows), { labelEpsilon: 1, maxTrainRows: 80, maxTestRows: 10 });
    const folder = fresh();
    const ofPart = await inspectTables(config.data);
    const stop = new AbortController();
    const onProgress = ({ rows: done }: { rows: number }): void => {
      if (done >= 32) stop.abort(new Error('killed'));
    };
    await assert.rejects(drawn(config, [], { folder, inspection: ofPart, signal: stop.signal, onProgress }), /killed/);
    const inspection = await inspectTables(config.data, { splitByLabels: false });
    assert.deepEqual(
      [ofPart.classes, inspection.classes],
      [
        ['0', '1'],
        ['0', '1', '2'],
      ],
    );
    const words = /was begun by an earlier version of Rapt.* Nothing of it has left: remove the folder, and start/;
    await assert.rejects(drawn(config, [], { folder, inspection }), words);
    rmSync(folder, { recursive: true });
    assert.equal((await drawn(config, [], { folder, inspection })).manifest.rows.train, 80);
  });
});

describe('a table in a new order', () => {
  const ROWS = 640;
  /** A permutation: 7 and the number of rows have no common factor. */
  const shuffled = range(0, ROWS).map((_, at, rows) => rows[(at * 7) % ROWS]!);

  it('is taken over row by row, each of its shards read once', async () => {
    const first = await drawn(configOf(csvOf(range(0, ROWS)), { testFraction: 0.1 }));
    const second = await drawn(configOf(csvOf(shuffled), { testFraction: 0.1 }), [first]);
    assert.deepEqual([second.given, second.charged, second.takenOver], [0, 0, ROWS]);
    const [before, after] = [await versionsOf(first), await versionsOf(second)];
    for (let row = 0; row < ROWS; row++) {
      const [was, is] = [before.get((row * 7) % ROWS)!, after.get(row)!];
      assert.deepEqual([is.input, is.plain, is.noisyPlain], [was.input, was.plain, was.noisyPlain], `row ${row}`);
    }
    const folder = fresh();
    mkdirSync(folder);
    const versions = (await EarlierRows.open([first], secret)).versions(folder);
    const places = Array.from({ length: ROWS }, (_, at) => (at * 7) % ROWS);
    const once: unknown[] = [];
    for (const place of places) once.push(await versions.read(place));
    for (const { file } of first.manifest.shards) rmSync(join(first.folder, file));
    for (const [at, place] of places.entries()) assert.deepEqual(await versions.read(place), once[at]);
    assert.deepEqual(readdirSync(folder), [], 'the temporary file has no name');
    await versions.close();
  });

  it('has versions handed out as a list of all digests would, equal ones in the order of their rows', async () => {
    const random = (below: number): bigint => BigInt(randomInt(below));
    const digests = BigUint64Array.from({ length: 5000 }, () =>
      random(3) === 0n ? 0n : random(2 ** 32) === 0n ? 1n : (random(50) << 33n) + random(50) + 1n,
    );
    const index = await DigestIndex.of(digests, 0n, new Turns());
    const lists = new Map<bigint, number[]>();
    digests.forEach((digest, place) => {
      if (digest !== 0n) lists.set(digest, [...(lists.get(digest) ?? []), place]);
    });
    assert.equal(index.size, lists.size);
    for (const handOut of [index.handOut(), index.handOut()]) {
      for (const [digest, places] of lists)
        assert.deepEqual([...places.map(() => handOut(digest)), handOut(digest)], [...places, null]);
      assert.equal(handOut(12345678901n), null);
    }
    assert.equal((await DigestIndex.of(new BigUint64Array(), 0n, new Turns())).handOut()(1n), null);
  });

  it('may hold one text a hundred thousand times', async () => {
    const index = await DigestIndex.of(new BigUint64Array(100_000).fill(9n), 0n, new Turns());
    const handOut = index.handOut();
    for (let place = 0; place < 100_000; place++) assert.equal(handOut(9n), place);
  });
});

describe('a release that takes rows over', () => {
  it('is finished by the next attempt as the first one began it', async () => {
    const first = await drawn(configOf(csvOf([...range(0, 200), rowOf(3), rowOf(3)])));
    const config = configOf(csvOf([rowOf(3), ...range(0, 300), rowOf(3), rowOf(3)]));
    const folder = fresh();
    const stop = new AbortController();
    await assert.rejects(
      drawn(config, [first], {
        folder,
        signal: stop.signal,
        onProgress: ({ rows }) => {
          if (rows >= 128) stop.abort(new Error('killed'));
        },
      }),
      /killed/,
    );
    const half = readFileSync(join(folder, 'train-00001.parquet'));
    const second = await drawn(config, [first], { folder });
    assert.deepEqual(readFileSync(join(folder, 'train-00001.parquet')), half);
    assert.equal(second.takenOver, 202);
    assert.equal(second.charged, 303 - 202);
    const versions = [...(await versionsOf(second)).values()].map(({ input }) => String(input));
    assert.equal(new Set(versions).size, 303, 'no version is used twice');
  });

  it('goes by the releases that were chosen first, though its cost was taken back and entered again', async () => {
    const folder = fresh();
    assert.equal(await chosenReleases(folder), null);
    assert.deepEqual(
      await Promise.all([chooseReleases(folder, ['a']), chooseReleases(folder, ['a', 'b'])]).then(
        ([one, other]) => one.length === other.length,
      ),
      true,
    );
    const held = await chosenReleases(folder);
    assert.deepEqual(await chooseReleases(folder, ['c']), held);
  });

  it('is not drawn when the release that it takes rows from was damaged or is gone', async () => {
    const first = await drawn(configOf(csvOf(range(0, 100))));
    const config = configOf(csvOf(range(0, 110)));
    const refused = (error: RaptError): boolean =>
      error.kind === ErrorKind.corruptArtifact && /takes rows over from it; restore the file/.test(error.message);
    writeFileSync(join(first.folder, 'train-00000.parquet'), 'damaged');
    await assert.rejects(drawn(config, [first]), refused);
    rmSync(first.folder, { recursive: true });
    await assert.rejects(EarlierRows.open([first], secret), refused);
  });

  it('finds nothing under another key', async () => {
    const first = await drawn(configOf(csvOf(range(0, 100))));
    const others = await EarlierRows.open([first], new Uint8Array(32));
    assert.equal(
      others.finder(false)({ number: 0, text: '', pair: null, label: null }, 'train', {
        text: Int32Array.of(1),
        pair: new Int32Array(),
      }).place,
      null,
    );
    const config = configOf(csvOf(range(0, 100)));
    const inspection = await inspectTables(config.data);
    let charged = 0;
    for await (const _row of rowsToDraw({ config, inspection, tokenizer }, others)) charged++;
    assert.equal(charged, 100);
  });
});

describe('rows are taken over', () => {
  async function specOf(config: TuningConfig): Promise<ReleaseSpec> {
    const inspection = await inspectTables(config.data);
    const inputs = await hashInputs(inspection.tables);
    const drawnBy = {
      mechanism: 'exponential' as const,
      private: true,
      eta: 14,
      table: { sha256: guarantee.table.sha256 },
    };
    return tuningSpec({ config, inputs, inspection, backbone, outputIds, drawnBy });
  }
  const changed = ({ settings }: ReleaseSpec, change: Partial<ReleaseSpec['settings']>): ReleaseSpec =>
    new ReleaseSpec({ ...settings, ...change });

  it('under equal settings alone', async () => {
    const config = configOf(csvOf(range(0, 60)));
    const first = await drawn(config);
    const wanted = await specOf(config);
    assert.equal(await canTakeOver(first, wanted), true);
    assert.equal(
      await canTakeOver(first, changed(wanted, { classes: ['other'] })),
      true,
      'labels that leave as they are can be numbered anew',
    );
    const { drawnBy } = wanted.settings;
    const other = [
      { maxTokens: 5 },
      { pair: true },
      { plain: false as const },
      { tenant: 'other' },
      { labelEpsilon: 1 },
      { backbone: { ...backbone, sha256: first.digest } },
      { drawnBy: { ...drawnBy, eta: 13 } },
      { drawnBy: { ...drawnBy, private: false } },
      { drawnBy: { ...drawnBy, mechanism: 'laplace' as const } },
      { drawnBy: { ...drawnBy, table: { sha256: first.digest } } },
    ];
    for (const change of other)
      assert.equal(await canTakeOver(first, changed(wanted, change)), false, JSON.stringify(change));
    assert.equal(await canTakeOver({ ...first, digest: backbone.sha256 }, wanted), false, 'another release');
    assert.equal(await canTakeOver({ ...first, folder: fresh() }, wanted), false, 'a folder that is gone');
    // Else its rows would be drawn a second time for a disk that stumbled.
    const unreadable = fresh();
    mkdirSync(join(unreadable, 'manifest.json'), { recursive: true });
    await assert.rejects(
      canTakeOver({ ...first, folder: unreadable }, wanted),
      BadInput,
      'what cannot be read now is not gone',
    );
  });

  it('only where labels were drawn among the same classes', async () => {
    const config = configOf(csvOf(range(0, 90)), { labelEpsilon: 2 });
    const first = await drawn(config);
    const wanted = await specOf(config);
    assert.equal(await canTakeOver(first, wanted), true);
    assert.equal(await canTakeOver(first, changed(wanted, { classes: [...wanted.settings.classes, 'new'] })), false);
  });
});
