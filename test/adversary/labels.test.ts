/** Protected labels: inspections and releases of whatever part of a table say nothing of them, and draws and figures
 *  about them add up, text by text, against a budget of their own. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  BadInput,
  ErrorKind,
  RaptError,
  tuningConfigSchema,
  type Sha256,
  type TuningConfig,
  type TuningInput,
} from '../../contracts/index.ts';
import { classRowsOf, notesOn } from '../../rapt/client/index.ts';
import { inspectTables } from '../../rapt/data/index.ts';
import { digestOfText, labelsAgainNote, Ledger } from '../../rapt/ledger/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { limits, requestOf, SECRET, type RequestOptions } from '../rapt/ledger/requests.ts';
import { drawRelease, EarlierRows, hashInputs, readShard, type EarlierRelease } from '../../rapt/release/index.ts';
import { backbone, drawFake, outputIds, replacing, tokenizer } from '../rapt/release/fakes.ts';
import { inOrder } from '../support/in-order.ts';

const refused =
  (words: RegExp) =>
  (error: unknown): boolean =>
    error instanceof RaptError && error.kind === ErrorKind.budgetExceeded && words.test(error.message);
const onLabel = async (ledger: Ledger, text: string): Promise<number> =>
  (await ledger.spentOnLabels(BigUint64Array.of(digestOfText(text, SECRET))))[0]!;
const tell = (
  localKey: string,
  run: string,
  epsilon: number,
  options: RequestOptions = {},
): Parameters<Ledger['tellLabels']>[0] => ({ localKey, run, epsilon, limits: limits(options) });

test('the adversary who has labels drawn run after run is stopped by the budget, and told what is left', async () => {
  const ledger = new Ledger(temporaryFolder());
  const owner = { labels: 3 };
  // Twenty draws at 1 tell each label by majority.
  for (let run = 0; run < 3; run++)
    await ledger.reserve(requestOf(`run ${run}`, ['one', 'two'], { labels: 1, owner, eta: 0.1 * (run + 1) }));
  const words = inOrder(
    'the labels of 2 of 2 texts would exceed the budget of epsilon 3 for the label of a text',
    'set by this client (`rapt ledger budget`)',
    'this release costs epsilon 1, and the least that one of them has left is epsilon 0',
    'use a smaller privacy.labelEpsilon, or raise the budget',
    'Labels of 2 of these texts left before, and are drawn again because rows are taken over only from',
    'Nothing was drawn',
  );
  for (let run = 3; run < 20; run++)
    await assert.rejects(
      ledger.reserve(requestOf(`run ${run}`, ['one', 'two'], { labels: 1, owner, eta: 1 })),
      refused(words),
    );
  assert.equal(await onLabel(ledger, 'one'), 3);
  assert.equal((await ledger.releases()).length, 3);
});

test('a text that stands twice in a table has two labels drawn', async () => {
  const ledger = new Ledger(temporaryFolder());
  const budget = { labels: 1.5 };
  await assert.rejects(
    ledger.reserve(requestOf('a', ['one', 'two', 'two'], { labels: 1, budget })),
    refused(
      inOrder(
        'labels of 1 of 2 texts',
        'set by the run (privacy.budget.labels)',
        'this release costs epsilon 1 for each time that a text occurs, and these occur more than once',
      ),
    ),
  );
  await ledger.reserve(requestOf('a', ['one', 'two', 'two'], { labels: 1 }));
  assert.deepEqual([await onLabel(ledger, 'one'), await onLabel(ledger, 'two')], [1, 2]);
});

test('labels that leave as they are exceed any budget; where there is no budget, they pass', async () => {
  const ledger = new Ledger(temporaryFolder());
  const budget = { labels: 1000 };
  await assert.rejects(
    ledger.reserve(requestOf('a', ['one'], { labels: null, budget })),
    refused(/costs an unlimited epsilon \(labels leave as they are\).*set privacy\.labelEpsilon, or raise/),
  );
  await ledger.reserve(requestOf('a', ['one'], { labels: null }));
  assert.equal(await onLabel(ledger, 'one'), Infinity);
  await assert.rejects(
    ledger.reserve(requestOf('b', ['one'], { labels: 1, budget })),
    refused(/has left is epsilon 0/),
  );
  await ledger.reserve(requestOf('c', ['one'], { labels: 'none', budget, more: { purpose: 'prediction' } }));
  await ledger.reserve(requestOf('d', ['two'], { labels: 'none', budget, more: { purpose: 'file' } }));
  assert.equal(await onLabel(ledger, 'two'), 0);
});

test('entries of earlier versions are read with the labels that they may have held', async () => {
  const folder = temporaryFolder();
  const writer = new Ledger(folder);
  await writer.reserve(requestOf('drawn', ['one'], { more: { labelEpsilon: 2 } }));
  await writer.reserve(requestOf('plain', ['two']));
  await writer.reserve(requestOf('asked', ['three'], { more: { purpose: 'prediction' } }));
  await writer.reserve(requestOf('file', ['four'], { more: { purpose: 'file' } }));
  const entries = readdirSync(join(folder, 'ledger')).filter((name) => name.endsWith('.json'));
  for (const name of entries)
    assert.doesNotMatch(
      readFileSync(join(folder, 'ledger', name), 'utf8'),
      /labels|public|told/,
      'as they were written',
    );
  const ledger = new Ledger(folder);
  const spent: number[] = [];
  for (const text of ['one', 'two', 'three', 'four']) spent.push(await onLabel(ledger, text));
  assert.deepEqual(spent, [2, Infinity, 0, Infinity]);
});

test('labels that are drawn a second time are told, with the reason, though the budget has them', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(requestOf('a', ['one', 'two'], { labels: 1 }));
  const more = { drawnAgainBecause: 'the classes are no longer those of release a' };
  await assert.rejects(
    ledger.reserve(requestOf('b', ['one', 'three'], { labels: 1, budget: { labels: 1 }, more })),
    refused(
      inOrder(
        'Labels of 1 of these texts left before',
        'are drawn again because the classes are no longer those of release a. Nothing was drawn',
      ),
    ),
  );
  const entry = await ledger.reserve(requestOf('b', ['one', 'three'], { labels: 1, more }));
  assert.equal(entry.labelsAgain, 1);
  assert.match(
    labelsAgainNote(entry).join(),
    /^labels of 1 of 2 texts had left before and were drawn again: their label epsilons add up/,
  );
  assert.deepEqual(labelsAgainNote((await ledger.releases())[0]!), []);
});

test('a figure is told once for a run and release, and not when the budget does not have it', async () => {
  const folder = temporaryFolder();
  const ledger = new Ledger(folder);
  const owner = { labels: 2 };
  await ledger.reserve(requestOf('a', ['one', 'two', 'two'], { labels: 0.5, owner }));
  assert.deepEqual(
    await Promise.all(Array.from({ length: 6 }, () => new Ledger(folder).tellLabels(tell('a', 'run', 0.5, { owner })))),
    Array<boolean>(6).fill(true),
  );
  assert.deepEqual(
    [await onLabel(ledger, 'one'), await onLabel(ledger, 'two')],
    [1, 2],
    'once, and for each time that a text occurs',
  );
  assert.deepEqual(
    (await ledger.releases())[0]!.told?.map(({ run, epsilon }) => [run, epsilon]),
    [['run', 0.5]],
  );
  assert.equal(
    await ledger.tellLabels(tell('a', 'another run', 0.1, { owner })),
    false,
    'the second text has nothing left',
  );
  assert.equal(
    await ledger.tellLabels(tell('a', 'run', 0.6, { owner: {} })),
    false,
    'under another epsilon it would be another figure',
  );
  await assert.rejects(
    ledger.reserve(requestOf('b', ['two'], { labels: 0.1, owner })),
    refused(/has left is epsilon 0/),
  );
  assert.equal(
    await ledger.tellLabels(tell('a', 'run', 0.5, { owner: { labels: 0.1 } })),
    true,
    'one that is entered costs nothing more',
  );
  await assert.rejects(ledger.tellLabels(tell('nothing', 'run', 0.5)), /there is no release nothing in the ledger/);
  await assert.rejects(ledger.drop('a'), /a figure about release a was told at/);
  assert.equal((await ledger.releases())[0]!.told?.length, 1);
});

test('a figure counts on rows that were taken over, wherever they were drawn', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(requestOf('a', ['one'], { labels: 1 }));
  await ledger.reserve(requestOf('b', ['two'], { labels: 1, more: { takesOver: ['a'] } }));
  await ledger.reserve(requestOf('c', ['three'], { labels: 1, more: { takesOver: ['b'] } }));
  await ledger.reserve(requestOf('d', ['four'], { labels: 1 }));
  const owner = { labels: 1.6 };
  assert.equal(await ledger.tellLabels(tell('c', 'run', 0.5, { owner })), true);
  assert.deepEqual(
    await Promise.all(['one', 'two', 'three', 'four'].map((text) => onLabel(ledger, text))),
    [1.5, 1.5, 1.5, 1],
  );
  // Of the release that drew it alone, the same text would be told of a second time.
  assert.equal(await ledger.tellLabels(tell('a', 'run', 0.5, { owner })), false);
});

test('about one label one figure is told, whichever run and whichever release of the text asks', async () => {
  const ledger = new Ledger(temporaryFolder());
  for (const localKey of ['a', 'b']) await ledger.reserve(requestOf(localKey, ['one', 'two', 'two']));
  await ledger.reserve(requestOf('c', ['three']));
  const asked = (localKey: string, run: string): Promise<boolean> =>
    ledger.tellLabels({ ...tell(localKey, run, 1), figures: 1 });
  assert.deepEqual(
    [
      await asked('a', 'first'),
      await asked('a', 'first'),
      await asked('a', 'second'),
      await asked('b', 'third'),
      await asked('c', 'fourth'),
    ],
    [true, true, false, false, true],
  );
});

test(
  'figures that are told at the same time never exceed a budget together, though their processes are killed',
  { timeout: 60_000 },
  async () => {
    const folder = temporaryFolder();
    await new Ledger(folder).reserve(requestOf('a', ['one'], { labels: 'none' }));
    const program = fileURLToPath(new URL('tell-child.ts', import.meta.url));
    const children = Array.from({ length: 4 }, (_, child) =>
      fork(program, [folder, String(child)], { execArgv: ['--import', 'tsx'], stdio: 'ignore' }),
    );
    const ends = children.map((child) => once(child, 'exit'));
    for (const [index, child] of children.slice(0, 2).entries())
      setTimeout(() => child.kill('SIGKILL'), 600 + 150 * index);
    await Promise.all(ends);
    assert.equal(Math.round(10 * (await onLabel(new Ledger(folder), 'one'))), 20);
  },
);

test('a limit counts public tables only if it says so', async () => {
  const ledger = new Ledger(temporaryFolder());
  const policy = { perText: 14, perTenant: 14, labels: 1 };
  const open = { public: true as const };
  for (const key of ['a', 'b']) await ledger.reserve(requestOf(key, ['one'], { labels: 1, policy, more: open }));
  assert.equal((await ledger.releases())[0]!.public, true);
  await ledger.reserve(requestOf('c', ['one'], { labels: 1, policy }));
  await assert.rejects(
    ledger.reserve(requestOf('d', ['two'], { labels: 1, policy })),
    refused(
      inOrder(
        "costs eta 14 of the tenant's budget of eta 14",
        "set by the owner's policy (policy.yaml), and eta 0 is left after 1 release;",
      ),
    ),
  );
  await assert.rejects(
    ledger.reserve(requestOf('d', ['one'], { labels: 1, policy: { perText: 14 } })),
    refused(/has left is eta 0/),
  );
  await assert.rejects(
    ledger.reserve(requestOf('d', ['one'], { labels: 1, policy: { labels: 1 } })),
    refused(/has left is epsilon 0/),
  );
  await assert.rejects(
    ledger.reserve(requestOf('d', ['one'], { labels: 1, policy, owner: { perText: 40 }, more: open })),
    refused(/eta 40 for a text, set by this client/),
  );
  await assert.rejects(
    ledger.reserve(requestOf('d', ['one'], { labels: 'none', policy: { perText: 28 }, budget: { perText: 20 } })),
    refused(/eta 20 for a text, set by the run/),
  );
  // The strictest is told first, and the others hold as well.
  await assert.rejects(
    ledger.reserve(requestOf('d', ['three'], { labels: 'none', owner: { perText: 13 }, budget: { perText: 20 } })),
    refused(/eta 13 for a text, set by this client/),
  );
});

test('figures about a public release count against limits that count public releases alone', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(requestOf('a', ['one'], { labels: 1, more: { public: true } }));
  assert.equal(await ledger.tellLabels(tell('a', 'run', 1, { policy: { labels: 0.5 } })), true);
  assert.equal(await ledger.tellLabels(tell('a', 'another', 1, { owner: { labels: 2 } })), false);
  await ledger.reserve(requestOf('b', ['one'], { labels: 0.5, policy: { labels: 0.5 } }));
});

test('a file of a release that the figure is about must be there', async () => {
  const folder = temporaryFolder();
  const ledger = new Ledger(folder);
  await ledger.reserve(requestOf('a', ['one'], { labels: 1 }));
  await ledger.release('a', '1'.repeat(64) as Sha256, 1);
  const texts = join(folder, 'ledger', 'texts');
  mkdirSync(texts, { recursive: true });
  for (const file of readdirSync(texts)) writeFileSync(join(texts, file), 'x');
  await assert.rejects(
    new Ledger(folder).tellLabels(tell('a', 'run', 1, { owner: { labels: 5 } })),
    /is missing, or was changed or damaged/,
  );
});

const ROWS = 60;
const isUnlabelled = (row: number): boolean => [4, 20, 41].includes(row);

/** Tables of the same texts and the same classes, whose labels differ. */
const labellings: Readonly<Record<string, (row: number) => string>> = {
  'in turn': (row) => 'abc'[row % 3]!,
  sorted: (row) => 'abc'[Math.floor((3 * row) / ROWS)]!,
  'two rows apart': (row) => (row === 0 ? 'b' : row === ROWS - 1 ? 'c' : 'a'),
  // Held out at the usual fraction, all three.
  'held out': (row) => (row === 1 || row === 3 ? 'b' : row === 6 ? 'c' : 'a'),
};

interface Written {
  readonly train: string;
  readonly test: string;
}

/** A table to train on, and one to test on; rows without a label are the same in all of them. */
function written(folder: string, labelOf: (row: number) => string, untrained = 'c'): Written {
  const write = (name: string, rowOf: (row: number) => string): string => {
    const path = join(folder, name);
    const rows = Array.from({ length: ROWS }, (_, row) => `w${row} w${row + 7},${isUnlabelled(row) ? '' : rowOf(row)}`);
    writeFileSync(path, `text,label\n${rows.join('\n')}\n`);
    return path;
  };
  // Its own labels stand elsewhere than those of the other.
  const other = (label: string): string => (label === 'c' ? untrained : label);
  return { train: write('train.csv', labelOf), test: write('test.csv', (row) => other(labelOf(ROWS - 1 - row))) };
}

type Part = Partial<NonNullable<TuningInput['data']>>;

/** What a provider may choose of one table. */
function splitParts({ train }: Written): Part[] {
  return [0.001, 0.05, 0.2, 0.5, 0.9].flatMap((testFraction) =>
    LIMITS.map((limits) => ({ ...limits, train, testFraction })),
  );
}

/** Of one that is named twice, and of two. */
const tableParts = ({ train, test }: Written): Part[] =>
  [train, test].flatMap((second) => LIMITS.map((limits) => ({ ...limits, train, test: second })));

const LIMITS: readonly Part[] = [undefined, 1, 2, 20].flatMap((maxTrainRows) =>
  [undefined, 9].map((maxTestRows) => ({ maxTrainRows, maxTestRows })),
);

const protecting = (data: Part): TuningConfig =>
  tuningConfigSchema.parse({ data, privacy: { labelEpsilon: 0.0001 }, tuning: { reconstruction: false } });

/** What an inspection says, or refuses, without the place of the tables. */
async function said(folder: string, config: TuningConfig): Promise<unknown> {
  try {
    const inspection = await inspectTables(config.data, { splitByLabels: false });
    const { classes, rows, unlabelled, tables } = inspection;
    const notes = await notesOn(config.data, inspection, { ...tokenizer, unknownId: 0 });
    return { classes, rows, unlabelled, kept: tables.keptInTraining, notes };
  } catch (error) {
    assert.ok(error instanceof BadInput);
    return error.problems.map(({ where, problem }) => `${where}: ${problem}`.replaceAll(folder, ''));
  }
}

/** Holds what is said of each part against what is said of it under other labels. */
async function assertSaysTheSame(partsOf: (tables: Written) => Part[], untrained?: string): Promise<void> {
  const answers = new Map<string, unknown[]>();
  for (const labelOf of Object.values(labellings)) {
    const folder = temporaryFolder();
    for (const part of partsOf(written(folder, labelOf, untrained))) {
      const key = JSON.stringify(part).replaceAll(folder, '');
      answers.set(key, [...(answers.get(key) ?? []), await said(folder, protecting(part))]);
    }
  }
  const outcomes = new Set<string>();
  for (const [part, [first, ...others]] of answers) {
    assert.equal(others.length, Object.keys(labellings).length - 1);
    for (const other of others) assert.deepEqual(other, first, part);
    outcomes.add(Array.isArray(first) ? 'refused' : 'said');
  }
  assert.ok(outcomes.has('said') && outcomes.has('refused'), 'parts of either kind are asked for');
}

test('asked for any part of a table, an inspection says the same of any labels of the same classes', () =>
  assertSaysTheSame(splitParts));

test('a table to test on is held against the classes of the other as a whole, and no row of it is named', () =>
  assertSaysTheSame(tableParts, 'd'));

const holdsOut = ({ testFraction = 0 }: Part): boolean => testFraction > 0.01;

test('sizes of classes are those of the training table, whatever part of it is asked for', async () => {
  for (const labelOf of Object.values(labellings)) {
    const tables = written(temporaryFolder(), labelOf);
    const labels = Array.from({ length: ROWS }, (_, row) => (isUnlabelled(row) ? '' : labelOf(row)));
    const classRows = ['a', 'b', 'c'].map((name) => labels.filter((label) => label === name).length);
    for (const part of [...splitParts(tables).filter(holdsOut), ...tableParts(tables)]) {
      const { data } = protecting(part);
      const found = await classRowsOf(data, await inspectTables(data, { splitByLabels: false }), false);
      assert.deepEqual(found, { classes: ['a', 'b', 'c'], classRows }, JSON.stringify(part));
    }
  }
});

test('a release of two rows does not name their classes: any release has those of the whole table', async () => {
  for (const labelOf of Object.values(labellings)) {
    const tables = written(temporaryFolder(), labelOf);
    const parts = [...splitParts(tables).filter(holdsOut), ...tableParts(tables)];
    for (const part of parts.filter(({ maxTrainRows, maxTestRows }) => maxTrainRows === 2 && maxTestRows === 9)) {
      const { manifest } = await drawFake(protecting(part), join(temporaryFolder(), 'release'));
      assert.deepEqual([manifest.classes, manifest.rows.train], [['a', 'b', 'c'], 2]);
      assert.equal(
        manifest.classCounts.reduce((sum, count) => sum + count),
        2,
      );
    }
  }
});

test('a row is given the version of no other row, which would tell that their labels are equal', async () => {
  const folder = temporaryFolder();
  const train = join(folder, 'train.csv');
  const rows = Array.from({ length: ROWS }, (_, row) => `w1 w${row},${'abc'[row % 3]}`);
  writeFileSync(train, `text,label\n${rows.join('\n')}\n`);
  // Of each text one token is kept, so that all are equal.
  const versionsOf = async (testFraction: number, before: readonly EarlierRelease[]) => {
    const config = tuningConfigSchema.parse({
      data: { train, maxTokens: 1, testFraction },
      privacy: { labelEpsilon: 0.0001 },
      tuning: { reconstruction: { plainTokens: 30, vocabularySize: 50 } },
    });
    const { tables } = await inspectTables(config.data, { splitByLabels: false });
    const inputs = await hashInputs(tables);
    const earlier = await EarlierRows.open(before, SECRET);
    const own = join(folder, `at-${testFraction}`);
    const settings = { config, inputs, folder: own, tokenizer, outputIds, backbone, earlier };
    const { manifest, digest } = await drawRelease({ ...settings, mechanism: replacing() });
    const versions = new Map<string, number>();
    for (const { file } of manifest.shards.filter(({ split }) => split === 'train')) {
      const { rows: numbers, plain } = await readShard(join(own, file));
      for (const [at, row] of numbers.entries()) versions.set(String(plain!.ids.subarray(30 * at, 30 * at + 30)), row);
    }
    return { versions, folder: own, digest };
  };
  const first = await versionsOf(0.05, []);
  const second = await versionsOf(0.3, [first]);
  let again = 0;
  for (const [version, row] of second.versions)
    if (first.versions.has(version)) assert.equal(first.versions.get(version), (again++, row));
  assert.ok(again > 20, 'rows are taken over');
});
