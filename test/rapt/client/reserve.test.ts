/** What a release costs where its texts are nearly alike, its table is public, or its labels were drawn before. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import {
  ErrorKind,
  parseTuningConfig,
  RaptError,
  type TuningConfig,
  type TuningInput,
} from '../../../contracts/index.ts';
import { releaseTables, reserve, type DueRelease } from '../../../rapt/client/index.ts';
import { tenantFolder } from '../../../rapt/home.ts';
import { clientSecret, labelsAgainNote, Ledger, type LedgerRelease } from '../../../rapt/ledger/index.ts';
import { keptTokens } from '../../../rapt/release/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyModel } from '../../support/tiny-model.ts';
import { tokenizer } from '../release/fakes.ts';

const folder = temporaryFolder();
const backbone = join(folder, 'tiny');
before(() => void writeTinyModel(backbone));
let names = 0;
const fresh = (suffix = ''): string => join(folder, `${names++}${suffix}`);

const refused =
  (words: RegExp) =>
  (error: unknown): boolean =>
    error instanceof RaptError && error.kind === ErrorKind.budgetExceeded && words.test(error.message);

function due(localKey: string, texts: readonly string[], more: Partial<DueRelease> = {}): DueRelease {
  return {
    localKey,
    tenant: 't',
    run: localKey,
    purpose: 'prediction',
    mechanism: 'exponential',
    eta: 14,
    labelEpsilon: null,
    labels: 'none',
    table: 'f'.repeat(64),
    budget: {},
    // eslint-disable-next-line @typescript-eslint/require-await
    rows: async function* () {
      for (const [number, text] of texts.entries()) yield { number, text, pair: null, label: null };
    },
    tokens: (row) => keptTokens(row, tokenizer, 32),
    ...more,
  };
}

test('the adversary who gets fifty notes that differ in a word gets them at fifty times the price', async () => {
  const home = fresh();
  const secret = await clientSecret(home);
  const notes = Array.from(
    { length: 50 },
    (_, note) => `w1 w2 w3 w4 w5 w${100 + note} w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19`,
  );
  await assert.rejects(
    reserve(home, secret, due('notes', notes, { budget: { perTenant: 14 } }), false),
    refused(/^this release costs eta 700 of the tenant's budget of eta 14, .*Nothing was drawn$/),
  );
  assert.deepEqual(await new Ledger(home).releases(), []);
  const entry = await reserve(home, secret, due('notes', notes, { budget: { perTenant: 700, perText: 14 } }), false);
  assert.deepEqual([entry.texts, entry.most], [50, 50]);
  const others = Array.from({ length: 50 }, (_, text) =>
    Array.from({ length: 20 }, (_, at) => `w${20 * text + at}`).join(' '),
  );
  assert.equal((await reserve(home, secret, due('others', others, { budget: { perTenant: 714 } }), false)).most, 1);
});

test("the policy's budget holds beside the run's and the owner's, and leaves public tables out", async () => {
  const home = fresh();
  const secret = await clientSecret(home);
  const policyBudget = { perTenant: 20 };
  await reserve(home, secret, due('public', ['w1 w2'], { public: true, policyBudget }), false);
  await reserve(home, secret, due('own', ['w1 w2'], { policyBudget }), false);
  await assert.rejects(
    reserve(home, secret, due('more', ['w3'], { policyBudget }), false),
    refused(/budget of eta 20, set by the owner's policy \(policy\.yaml\), and eta 6 is left after 1 release;/),
  );
  await assert.rejects(
    reserve(home, secret, due('more', ['w3'], { public: true, budget: { perTenant: 30 }, policyBudget }), false),
    refused(/budget of eta 30, set by the run/),
  );
  assert.deepEqual(
    (await new Ledger(home).releases()).map((release) => [release.localKey, release.public]),
    [
      ['public', true],
      ['own', undefined],
    ],
  );
});

test('a reservation can be stopped while its rows are read, and nothing is entered', async () => {
  const home = fresh();
  const stop = AbortSignal.abort(new Error('enough'));
  const many = Array.from({ length: 200_000 }, (_, text) => `w${text}`);
  await assert.rejects(reserve(home, await clientSecret(home), due('many', many), false, stop), /enough/);
  assert.deepEqual(await new Ledger(home).releases(), []);
});

function configOf(rows: readonly string[], more: TuningInput = {}): TuningConfig {
  const train = fresh('.csv');
  writeFileSync(train, `text,label\n${rows.join('\n')}\n`);
  const parsed = parseTuningConfig({
    data: { train },
    backbone,
    ...more,
    privacy: { labelEpsilon: 1, ...more.privacy },
  });
  assert.ok(parsed.ok);
  return parsed.value;
}

const rowsOf = (from: number, to: number): string[] =>
  Array.from(
    { length: to - from },
    (_, at) => `w${5 + ((from + at) % 50)} w${5 + (((from + at) * 7) % 55)},${(from + at) % 2 === 0 ? 'a' : 'b'}`,
  );

test('a new class draws all labels again: the budget refuses that, and the ledger says so and why', async () => {
  const home = fresh();
  const entries: LedgerRelease[] = [];
  const release = (config: TuningConfig, more: object = {}): Promise<unknown> =>
    releaseTables({ home, run: 'run', config, onReserved: (entry) => entries.push(entry), ...more });
  const first = configOf(rowsOf(0, 40));
  const local = await releaseTables({ home, run: 'first', config: first });
  await new Ledger(tenantFolder(home, 'local')).release(local.localKey, local.digest, 1);
  await release(configOf(rowsOf(0, 42)));
  assert.deepEqual(
    [entries[0]!.labels, entries[0]!.takesOver, entries[0]!.texts, entries[0]!.labelsAgain],
    ['drawn', [local.localKey], 2, undefined],
    'a table that has grown draws the labels of its new rows alone',
  );
  const changed = [...rowsOf(0, 40), 'w9 w10,c', 'w11 w12,c', 'w13 w14,c'];
  const why = new RegExp(
    'Labels of \\d+ of these texts left before, and are drawn again because the classes are no longer those of ' +
      `release ${local.localKey}, and a drawn label is one of the classes that it was drawn among\\. Nothing was ` +
      'drawn$',
  );
  await assert.rejects(release(configOf(changed, { privacy: { budget: { labels: 1.5 } } })), refused(why));
  assert.equal(entries.length, 1);
  await release(configOf(changed), { isPublic: true, policyBudget: { labels: 0.5 } });
  assert.ok(entries[1]!.labelsAgain! >= 39 && entries[1]!.public === true);
  assert.equal(labelsAgainNote(entries[1]!).length, 1);
  await assert.rejects(
    release(configOf([...changed, 'w15 w16,d', 'w17 w18,d', 'w19 w20,d']), { policyBudget: { labels: 0.5 } }),
    refused(/epsilon 0\.5 for the label of a text, set by the owner's policy/),
  );
});
