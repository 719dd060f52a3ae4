import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ErrorKind, RaptError, type Budget, type Sha256 } from '../../../contracts/index.ts';
import {
  digestOfText,
  Ledger,
  limitsOf,
  ownersBudget,
  readBudget,
  runsBudget,
  TextCollector,
  writeBudget,
  type LedgerRelease,
  type ReservationRequest,
} from '../../../rapt/ledger/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const SECRET = Buffer.alloc(32, 7);
const digest = (digit: string): Sha256 => digit.repeat(64) as Sha256;

function request(
  localKey: string,
  texts: readonly string[],
  { eta = 14, budget = {}, owner = {} }: { eta?: number | null; budget?: Budget; owner?: Budget } = {},
): ReservationRequest {
  const collect = (): ReturnType<ReservationRequest['texts']> => {
    const collector = new TextCollector(SECRET);
    for (const text of texts) collector.add(text);
    return Promise.resolve({ digests: collector.finish() });
  };
  return {
    localKey,
    tenant: 't',
    run: `run of ${localKey}`,
    purpose: 'tuning',
    mechanism: eta === null ? 'none' : 'exponential',
    eta,
    labelEpsilon: null,
    table: 'f'.repeat(64),
    limits: limitsOf(ownersBudget(owner), runsBudget(budget)),
    texts: collect,
  };
}

const refused =
  (words: RegExp) =>
  (error: unknown): boolean =>
    error instanceof RaptError && error.kind === ErrorKind.budgetExceeded && words.test(error.message);
const spentOn = async (ledger: Ledger, text: string): Promise<number> =>
  (await ledger.spent(BigUint64Array.of(digestOfText(text, SECRET))))[0]!;

test('a release is reserved and released once, however often asked for, and counts once it is reserved', async () => {
  const folder = temporaryFolder();
  const ledgers = Array.from({ length: 8 }, () => new Ledger(folder));
  await Promise.all(ledgers.map((ledger) => ledger.reserve(request('a', ['one', 'two', 'two']))));
  assert.equal(await spentOn(ledgers[0]!, 'one'), 14);
  assert.equal(await spentOn(ledgers[0]!, 'two'), 28, 'it stands twice in the table');
  await Promise.all(ledgers.map((ledger) => ledger.release('a', digest('1'), 100)));
  const releases = await new Ledger(folder).releases();
  assert.equal(releases.length, 1);
  const { reservedAt, released, ...entry } = releases[0]!;
  assert.deepEqual(entry, {
    localKey: 'a',
    tenant: 't',
    run: 'run of a',
    purpose: 'tuning',
    mechanism: 'exponential',
    eta: 14,
    labelEpsilon: null,
    table: 'f'.repeat(64),
    texts: 2,
    most: 2,
  });
  assert.deepEqual([released?.digest, released?.tokens], [digest('1'), 100]);
  for (const at of [reservedAt, released?.at ?? '']) assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000);
  assert.equal(await spentOn(new Ledger(folder), 'one'), 14, 'to release costs nothing more');
  assert.deepEqual(readdirSync(join(folder, 'ledger', 'tmp')), []);
});

test('one ledger that is asked many things at once tells each of them what many would', async () => {
  const folder = temporaryFolder();
  const ledger = new Ledger(folder);
  const names = Array.from({ length: 8 }, (_, at) => `key ${at}`);
  await Promise.all(names.flatMap((name) => [ledger.reserve(request(name, [name])), ledger.releases()]));
  const entered = (await ledger.releases()).map(({ localKey }) => localKey);
  assert.deepEqual([...entered].sort(), names);
  assert.deepEqual(
    (await new Ledger(folder).releases()).map(({ localKey }) => localKey),
    entered,
  );
});

test('a release that takes rows over is entered with the rows that it draws, and keeps its first choice', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(request('a', ['one', 'two']));
  const entry = await ledger.reserve({ ...request('b', ['three']), takesOver: ['a'] });
  assert.deepEqual([entry.takesOver, entry.texts, entry.most], [['a'], 1, 1]);
  assert.deepEqual((await ledger.reserve({ ...request('b', ['three', 'four']), takesOver: ['a', 'x'] })).takesOver, [
    'a',
  ]);
  assert.deepEqual(
    [await spentOn(ledger, 'one'), await spentOn(ledger, 'three'), await spentOn(ledger, 'four')],
    [14, 14, 0],
  );
  const nothing = await ledger.reserve({ ...request('c', [], { budget: { perTenant: 28 } }), takesOver: ['a', 'b'] });
  assert.deepEqual(
    [nothing.texts, nothing.most],
    [0, 0],
    'a table that has only lost rows costs nothing, though the budget is spent',
  );
});

test('a text is itself in another case, spacing and Unicode form, and under another key nobody knows it', () => {
  const known = digestOfText('Ein  schöner Film', SECRET);
  assert.equal(digestOfText(' ein scho\u0308ner FILM\n', SECRET), known);
  assert.notEqual(digestOfText('Ein schöner Film!', SECRET), known);
  assert.notEqual(digestOfText('Ein  schöner Film', Buffer.alloc(32, 8)), known);
});

test('a long text, which is read in parts, has the digest of the whole', () => {
  const whole = (text: string): bigint =>
    createHmac('sha256', SECRET)
      .update('text\0')
      .update(text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim())
      .digest()
      .readBigUInt64BE();
  const parts = [' ', '   ', 'Film.', 'ΟΔΟΣ', 'e\u0301', '\u3000', '\u00a0 ', 'ﬁ', '\u1100\u1161', '\n', '🎬'];
  for (const length of [0, 1, 40_000, 80_000])
    for (let at = 0; at < parts.length; at++) {
      const text = Array.from({ length }, (_, place) => parts[(place * (at + 3) + (place >> 4)) % parts.length]!).join(
        '',
      );
      assert.equal(digestOfText(text, SECRET), whole(text), `${length} parts, ${at}`);
    }
});

test('a budget for a text refuses before anything is entered, and names what is left', async () => {
  const folder = temporaryFolder();
  const ledger = new Ledger(folder);
  const budget = { perText: 20 };
  await ledger.reserve(request('a', ['one', 'two'], { budget }));
  const words = new RegExp(
    '^1 of 2 texts would exceed the budget of eta 20 for a text, set by the run \\(privacy\\.budget\\.perText\\): ' +
      'this release costs eta 14, and the least that one of them has left is eta 6; .*Nothing was drawn$',
  );
  await assert.rejects(ledger.reserve(request('b', ['two', 'three'], { budget })), refused(words));
  assert.deepEqual(
    (await ledger.releases()).map(({ localKey }) => localKey),
    ['a'],
  );
  await ledger.reserve(request('b', ['two', 'three'], { budget, eta: 6 }));
  await assert.rejects(
    ledger.reserve(request('c', ['two'], { budget, eta: 0.1 })),
    refused(/the least that one of them has left is eta 0;/),
  );
  await ledger.reserve(request('a', ['one', 'two'], { budget }));
  assert.equal(await spentOn(ledger, 'two'), 20, 'what is entered already costs nothing');
});

test('a text that stands twice in a table is released twice', async () => {
  const ledger = new Ledger(temporaryFolder());
  await assert.rejects(
    ledger.reserve(request('a', ['one', 'two', 'two'], { budget: { perText: 20 } })),
    refused(
      new RegExp(
        '1 of 2 texts .* for each time that a text occurs, and these occur more than once in the table, ' +
          'and the least that one of them has left is eta 20;',
      ),
    ),
  );
  await ledger.reserve(request('a', ['one', 'two', 'two'], { budget: { perText: 28 } }));
});

test('decimals of eta add up to the budget', async () => {
  const ledger = new Ledger(temporaryFolder());
  for (const [key, eta] of [
    ['a', 0.1],
    ['b', 0.2],
  ] as const)
    await ledger.reserve(request(key, ['one'], { eta, budget: { perText: 0.3 } }));
});

test("the tenant's budget counts releases whatever they hold, and the owner's holds beside the run's", async () => {
  const folder = temporaryFolder();
  await new Ledger(folder).reserve(request('a', ['one']));
  await writeBudget(folder, { perTenant: 20 });
  const owner = readBudget(folder);
  await assert.rejects(
    new Ledger(folder).reserve(request('b', ['two'], { owner, budget: { perTenant: 100 } })),
    refused(
      new RegExp(
        "costs eta 14 of the tenant's budget of eta 20, set by this client \\(`rapt ledger budget`\\), " +
          'and eta 6 is left after 1 release;',
      ),
    ),
  );
  await new Ledger(folder).reserve(request('b', ['two'], { owner, eta: 6 }));
  await writeBudget(folder, {});
  await new Ledger(folder).reserve(request('c', ['two'], { owner: readBudget(folder) }));
  writeFileSync(join(folder, 'budget.json'), '{"perText":-1}');
  assert.throws(() => readBudget(folder), /budget\.json is not a budget/);
});

test('a plain release spends everything', async () => {
  const ledger = new Ledger(temporaryFolder());
  await assert.rejects(
    ledger.reserve(request('a', ['one'], { eta: null, budget: { perText: 1e6 } })),
    refused(
      /costs an unlimited eta \(the texts leave as they are\), and the least that one of them has left is eta 1000000/,
    ),
  );
  await ledger.reserve(request('a', ['one'], { eta: null }));
  assert.equal(await spentOn(ledger, 'one'), Infinity);
  await assert.rejects(
    ledger.reserve(request('b', ['one'], { budget: { perText: 1e6 } })),
    refused(/has left is eta 0;/),
  );
  await ledger.reserve(request('c', ['other'], { budget: { perText: 20 } }));
});

test('a second noisy version of the same texts is refused, though the first was lost', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(request('key', ['one']));
  await ledger.release('key', digest('1'), 3);
  await assert.rejects(ledger.release('key', digest('2'), 3), (error) => {
    assert.ok(error instanceof RaptError && error.kind === ErrorKind.badInput);
    assert.match(
      error.message,
      /were released already, as 1{64} at .*Restore that release's folder \(key\) from a backup/,
    );
    return true;
  });
});

test('what has not left can be dropped and reserved again, what has left cannot', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(request('key', ['one']));
  await ledger.drop('key');
  assert.equal(await spentOn(ledger, 'one'), 0);
  await assert.rejects(ledger.release('key', digest('1'), 3), /is not in the ledger, or was dropped from it/);
  await assert.rejects(ledger.drop('key'), /there is no release key/);
  await ledger.reserve(request('key', ['one']));
  await ledger.release('key', digest('1'), 3);
  await assert.rejects(ledger.drop('key'), /left this machine at .*; what it cost cannot be taken back/);
});

test('tells where a text was, and exports every text', async () => {
  const ledger = new Ledger(temporaryFolder());
  await ledger.reserve(request('a', ['one', 'two']));
  await ledger.reserve(request('b', ['two', 'two'], { eta: 3 }));
  const history = await ledger.historyOf(digestOfText('two', SECRET));
  assert.deepEqual(
    history.map(({ release, times }) => [release.localKey, release.eta, times]),
    [
      ['a', 14, 1],
      ['b', 3, 2],
    ],
  );
  assert.deepEqual(await ledger.historyOf(digestOfText('three', SECRET)), []);
  const all: string[] = [];
  for await (const { digest: text, release, times } of ledger.texts())
    all.push(`${text === digestOfText('two', SECRET) ? 'two' : 'one'} ${release.localKey} ${times}`);
  assert.deepEqual(all.sort(), ['one a 1', 'two a 1', 'two b 2']);
});

test('an entry that was changed, removed or put in is noticed, and so is a file of texts', async () => {
  const entries = async (): Promise<string> => {
    const folder = temporaryFolder();
    const ledger = new Ledger(folder);
    for (const key of ['a', 'b', 'c']) await ledger.reserve(request(key, [key]));
    return join(folder, 'ledger');
  };
  const damage: Record<string, (ledger: string) => void> = {
    changed: (ledger) =>
      writeFileSync(
        join(ledger, '00000002.json'),
        readFileSync(join(ledger, '00000002.json'), 'utf8').replace('"eta":14', '"eta":1'),
      ),
    removed: (ledger) => {
      writeFileSync(join(ledger, '00000002.json'), readFileSync(join(ledger, '00000003.json')));
      rmSync(join(ledger, '00000003.json'));
    },
    'not an entry': (ledger) => writeFileSync(join(ledger, '00000001.json'), '{}'),
  };
  for (const [what, change] of Object.entries(damage)) {
    const ledger = await entries();
    change(ledger);
    await assert.rejects(
      new Ledger(join(ledger, '..')).releases(),
      /or the entry before it was changed or damaged; restore the ledger from a backup/,
      what,
    );
  }
  const ledger = await entries();
  const [file] = readdirSync(join(ledger, 'texts'));
  rmSync(join(ledger, 'texts', file!));
  await assert.rejects(
    new Ledger(join(ledger, '..')).reserve(request('d', ['a'], { budget: { perText: 100 } })),
    /is missing, or was changed or damaged/,
  );
});

test(
  'processes that reserve at the same time never exceed a budget together, though they are killed',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const program = fileURLToPath(new URL('reserve-child.ts', import.meta.url));
    const budget = 100;
    // Each wants eta 14 for the one text, again and again under keys of its own; seven fit.
    const children = Array.from({ length: 6 }, (_, child) =>
      fork(program, [folder, String(child), String(budget)], { execArgv: ['--import', 'tsx'], stdio: 'ignore' }),
    );
    const ends = children.map((child) => once(child, 'exit'));
    for (const [index, child] of children.slice(0, 3).entries())
      setTimeout(() => child.kill('SIGKILL'), 700 + 150 * index);
    await Promise.all(ends);
    const releases: LedgerRelease[] = await new Ledger(folder).releases();
    assert.equal(releases.length, 7);
    assert.equal(await spentOn(new Ledger(folder), 'the text'), 98);
  },
);
