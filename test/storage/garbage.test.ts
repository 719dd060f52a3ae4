import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKPOINT_FILES, keys, type ArtifactRef, type CheckpointFile, type Sha256 } from '../../contracts/index.ts';
import { CheckpointPointerCell, findGarbage, removeGarbage } from '../../storage/index.ts';
import { checkpoint, pointerWith, sha } from '../support/checkpoints.ts';
import { minioOfFile } from '../support/minio.ts';

const { store } = await minioOfFile();

const none = (): Promise<[]> => Promise.resolve([]);

/** A run with one checkpoint to which its pointer points. @returns the keys that it refers to. */
async function storeRun(tenant: string, run: string, release: Sha256): Promise<string[]> {
  const refs: Partial<Record<CheckpointFile, ArtifactRef>> = {};
  for (const file of CHECKPOINT_FILES)
    refs[file] = await store.put(keys.checkpointPrefix(tenant, run, 10, 'a') + file, Buffer.from(`${run} ${file}`));
  const files = refs as Record<CheckpointFile, ArtifactRef>;
  const shard = await store.put(`${keys.releasePrefix(tenant, release)}train-00000.parquet`, Buffer.from(run));
  const cell = await CheckpointPointerCell.open(store, tenant, run);
  const pointer = pointerWith({ release, newest: { ...checkpoint(10), files } });
  await cell.claim(pointer.attempt, pointer.fence);
  await cell.advance(pointer);
  return [...Object.values(files).map(({ key }) => key), shard.key, keys.checkpointPointer(tenant, run)];
}

async function allKeys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('')) found.push(key);
  return found;
}

test('what a pointer names stays, with its release, and what nothing names goes', async () => {
  const referred = [...(await storeRun('t', 'one', sha('1'))), ...(await storeRun('t', 'two/with slash', sha('2')))];
  const strays = [
    'runs/t/one/checkpoints/00000020-b/state.json',
    `releases/t/${sha('3')}/train-00000.parquet`,
    `releases/t/${sha('3')}/manifest.json`,
    `adapters/t/${sha('4')}/rapt.json`,
    keys.predictions('t', 'gone', sha('6')),
  ];
  const always = [
    `adapters/t/${sha('5')}/imported.json`,
    `adapters/t/${sha('5')}/rapt.json`,
    'reports/t/one/index.html',
    'runs/t/gone/result.json',
    keys.client('t'),
  ];
  for (const key of [...strays, ...always]) await store.put(key, Buffer.from(key));

  assert.deepEqual(
    (await findGarbage(store, { beforeMs: Date.now() - 60_000, openRuns: none })).objects,
    [],
    'what is young stays',
  );
  const open = await findGarbage(store, {
    beforeMs: Infinity,
    openRuns: () => Promise.resolve([{ tenant: 't', run: 'gone' }]),
  });
  assert.deepEqual(
    open.objects.map(({ key }) => key),
    ['runs/t/one/checkpoints/00000020-b/state.json'],
    'what an open run may need stays',
  );
  const other = await findGarbage(store, {
    beforeMs: Infinity,
    openRuns: () => Promise.resolve([{ tenant: 'other', run: 'x' }]),
  });
  assert.deepEqual(
    other.objects.map(({ key }) => key).sort(),
    [...strays].sort(),
    "another tenant's run keeps nothing here",
  );

  await removeGarbage(store, other);
  assert.deepEqual(await allKeys(), [...referred, ...always].sort());
});

test("objects that records name stay, and an open run's; those of a run whose name begins alike go", async () => {
  const ids = [
    'nightly/checkpoints/x',
    'nightly',
    'nightly/checkpoints/00000010-a',
    'checkpoints',
    'checkpoints/y',
    'predictions/z',
    'adapters',
    'adapters/x',
    'reports/a',
    'releases',
    'ab',
    'a',
    'a/b',
    `predictions/${sha('7')}`,
  ];
  const kept: string[] = [];
  const strays = new Map<string, string[]>();
  for (const run of ids) {
    kept.push(...(await storeRun('h', run, sha('8'))));
    for (const key of [keys.runResult('h', run), `${keys.reportPrefix('h', run)}index.html`])
      kept.push((await store.put(key, Buffer.from(key))).key);
    const left = [`${keys.checkpointPrefix('h', run, 20, 'b')}state.json`, keys.predictions('h', run, sha('9'))];
    for (const key of left) await store.put(key, Buffer.from(key));
    strays.set(run, left);
  }
  const collected = async (run: string): Promise<string[]> => {
    const { objects } = await findGarbage(store, {
      beforeMs: Infinity,
      openRuns: () => Promise.resolve(run === '' ? [] : [{ tenant: 'h', run }]),
    });
    return objects
      .map(({ key }) => key)
      .filter((key) => key.split('/')[1] === 'h')
      .sort();
  };
  for (const open of ['', 'a', 'nightly', 'checkpoints'])
    assert.deepEqual(
      await collected(open),
      [...strays].flatMap(([run, left]) => (run === open ? [] : left)).sort(),
      `"${open}" is open`,
    );

  await removeGarbage(store, await findGarbage(store, { beforeMs: Infinity, openRuns: none }));
  assert.deepEqual(
    (await allKeys()).filter((key) => key.split('/')[1] === 'h'),
    [...new Set(kept)].sort(),
  );
});

test('a pointer that cannot be read stops the collection: what it names is not known', async () => {
  await store.put('runs/t/broken/latest.json', Buffer.from('{"format":"rapt-pointer/2"}'));
  await assert.rejects(
    findGarbage(store, { beforeMs: Infinity, openRuns: none }),
    /runs\/t\/broken\/latest\.json.*was damaged/,
  );
  await store.remove('runs/t/broken/latest.json');
});
