/** The owner's word for one request. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTuningConfig, type TuningConfig } from '../../../contracts/index.ts';
import { approve, changedSince, tablesNow, wordFor } from '../../../rapt/policy/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();

function configOf(eta: number): TuningConfig {
  const parsed = parseTuningConfig({ data: { train: join(folder, 'a.csv') }, privacy: { eta } });
  assert.ok(parsed.ok);
  return parsed.value;
}

test('is found under the name that it was given for, in the home that gave it; the latest one holds', async () => {
  const home = join(folder, 'home');
  await approve(home, { type: 'tuning', id: 'a', request: configOf(14) });
  await approve(home, { type: 'tuning', id: 'a', request: configOf(15) });
  assert.deepEqual((await wordFor(home, { type: 'tuning', id: 'a' }))?.request, configOf(15));
  assert.equal(await wordFor(home, { type: 'prediction', id: 'a' }), null);
  assert.equal(await wordFor(home, { type: 'tuning', id: 'b' }), null);
  const files = readdirSync(join(home, 'approvals'));
  assert.equal(files.length, 1);
  assert.equal(statSync(join(home, 'approvals', files[0]!)).mode & 0o077, 0);
  const other = join(folder, 'other');
  assert.equal(await wordFor(other, { type: 'tuning', id: 'a' }), null);
  assert.equal(existsSync(other), false, 'to ask makes nothing');
});

test('is no word that stands under another name', async () => {
  const home = join(folder, 'copied');
  await approve(home, { type: 'tuning', id: 'a', request: configOf(14) });
  const [file] = readdirSync(join(home, 'approvals'));
  const word = { type: 'tuning', id: 'a' } as const;
  writeFileSync(join(home, 'approvals', file!), JSON.stringify({ ...(await wordFor(home, word)), eta: 1000 }));
  await assert.rejects(wordFor(home, word), 'what is no word is not taken for one');
});

test('knows tables whose content or files have changed, but not what could not be looked at', async () => {
  const [table, split] = [join(folder, 'table.csv'), join(folder, 'set')];
  mkdirSync(split);
  for (const file of [table, join(split, 'train.csv')]) writeFileSync(file, 'text,label\n');
  const tables = await tablesNow([table, split, `${split}#train`, join(folder, 'nowhere.csv'), 'none://bucket/key']);
  assert.deepEqual(Object.keys(tables), [table, split, `${split}#train`]);
  assert.deepEqual(await changedSince({ tables }), []);
  writeFileSync(join(split, 'more.csv'), 'text,label\n');
  assert.deepEqual(await changedSince({ tables }), [split, `${split}#train`]);
  writeFileSync(table, 'text,label\nx,y\n');
  assert.deepEqual(await changedSince({ tables }), [table, split, `${split}#train`]);
  assert.deepEqual(await changedSince({}), []);
});
