import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorKind, RaptError, type Guarantee, type ReleaseManifest, type Sha256 } from '../../../contracts/index.ts';
import { enterRelease, readLedger } from '../../../rapt/release/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const digest = (digit: string): Sha256 => digit.repeat(64) as Sha256;
// What the ledger does not enter is left out.
const manifest = { tenant: 't', guarantee: { mechanism: 'exponential', eta: 14 } as Guarantee, rows: { train: 8, test: 2 }, tokens: 100 } as ReleaseManifest;

test('a release is entered once, whoever enters it and however often', async () => {
  const folder = temporaryFolder();
  await Promise.all(Array.from({ length: 8 }, () => enterRelease(folder, 'key', digest('1'), manifest)));
  const entries = await readLedger(folder);
  assert.equal(entries.length, 1);
  const { releasedAt, ...entry } = entries[0]!;
  assert.deepEqual(entry, { format: 'rapt-ledger/1', localKey: 'key', digest: digest('1'), tenant: 't', mechanism: 'exponential', eta: 14, rows: 10, tokens: 100 });
  assert.ok(Math.abs(Date.now() - Date.parse(releasedAt)) < 60_000);
  assert.deepEqual(readdirSync(join(folder, 'ledger', 'tmp')), []);
});

test('a second noisy version of the same texts is refused, though the first was lost', async () => {
  const folder = temporaryFolder();
  await enterRelease(folder, 'key', digest('1'), manifest);
  await assert.rejects(enterRelease(folder, 'key', digest('2'), manifest), (error) => {
    assert.ok(error instanceof RaptError && error.kind === ErrorKind.badInput);
    assert.match(error.message, /were released already, as 1{64} at .*Restore that release's folder \(key\) from a backup/);
    return true;
  });
  await enterRelease(folder, 'other', digest('2'), manifest);
  assert.equal((await readLedger(folder)).length, 2);
});

test('a damaged entry is named', async () => {
  const folder = temporaryFolder();
  await enterRelease(folder, 'key', digest('1'), manifest);
  writeFileSync(join(folder, 'ledger', 'key.json'), '{}');
  await assert.rejects(readLedger(folder), /key\.json is not an entry of the ledger, or was damaged/);
});
