/** Checkpoints of attempts that overtake each other, and of runs whose names are alike, on a real store. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { claimRun, removeUnnamed, RunCheckpoints, type Attempt } from '../../activities/gpu/checkpoints.ts';
import { CHECKPOINT_FILES, ErrorKind, keys, RaptError } from '../../contracts/index.ts';
import { CheckpointPointerCell, createMinioStore, keptCheckpoints, type ObjectStore } from '../../storage/index.ts';
import { sha } from '../support/checkpoints.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { startHttpProxy, type Answer } from '../support/proxies.ts';

const { server, store } = await minioOfFile();
const folder = temporaryFolder();

const attemptOf = (number: number): Attempt => ({
  name: `${number}-attempt`,
  fence: { scheduledMs: 1000, attempt: number },
});

/** Claims a run for an attempt. */
async function begin(
  run: string,
  number: number,
  by: ObjectStore = store,
): Promise<{ cell: CheckpointPointerCell; checkpoints: RunCheckpoints }> {
  const attempt = attemptOf(number);
  const cell = await CheckpointPointerCell.open(by, 't', run);
  await claimRun(by, cell, { tenant: 't', run }, attempt);
  return {
    cell,
    checkpoints: new RunCheckpoints(by, cell, attempt, {
      tenant: 't',
      run,
      release: sha('1'),
      trainingDigest: sha('2'),
      totalSteps: 100,
      keep: 2,
    }),
  };
}

/** Stores a checkpoint of this step and points at it. */
function add(checkpoints: RunCheckpoints, step: number): Promise<void> {
  const files = join(folder, `${step}-${Math.floor(performance.now() * 1000)}`);
  mkdirSync(files);
  for (const file of CHECKPOINT_FILES) writeFileSync(join(files, file), `${step} ${file}`);
  const context = { log: { info: () => undefined } } as unknown as Context;
  return asyncLocalStorage.run(context, () => checkpoints.add({ step, trainingDigest: sha('2'), loss: 1 }, files));
}

async function stored(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

/** Names of the checkpoints' folders in the store. */
const foldersOf = async (run: string): Promise<string[]> => [
  ...new Set((await stored(keys.checkpointsPrefix('t', run))).map((key) => key.split('/').at(-2)!)),
];

const overtaken = (error: unknown): boolean => error instanceof RaptError && error.kind === ErrorKind.overtaken;

test('an attempt that is overtaken removes the checkpoint that it could not point at', async () => {
  const first = await begin('plain', 1);
  await add(first.checkpoints, 10);
  await begin('plain', 2);
  await assert.rejects(add(first.checkpoints, 20), overtaken);
  assert.deepEqual(await foldersOf('plain'), ['00000010-1-attempt']);
});

test('a checkpoint stays when its pointer moved but the answer was lost; a newer attempt begins from it', async () => {
  const pointerPath = `/${store.bucket}/${keys.checkpointPointer('t', 'lost')}`;
  let moves = 0;
  let claimed: Promise<unknown> = Promise.resolve();
  const decide = ({ method, url }: { method?: string | undefined; url?: string | undefined }): Answer => {
    if (method !== 'PUT' || url?.split('?')[0] !== pointerPath) return 'pass';
    moves++;
    // The claim, the move whose answer is lost, and the same once more, which comes after a newer attempt's claim.
    if (moves === 2) return 'lose the answer';
    if (moves !== 3) return 'pass';
    claimed = begin('lost', 2);
    return { waitMs: 1500 };
  };
  const proxy = await startHttpProxy(server.options.endpoint, decide);
  try {
    const first = await begin('lost', 1, createMinioStore({ ...server.options, endpoint: proxy.endpoint }));
    await assert.rejects(add(first.checkpoints, 10), overtaken);
    await claimed;
    assert.equal(moves, 3);
    const { current } = await CheckpointPointerCell.open(store, 't', 'lost');
    assert.deepEqual([current?.attempt, current?.newest.step], ['2-attempt', 10]);
    for (const ref of Object.values(current!.newest.files)) await store.get(ref);
    assert.deepEqual(await foldersOf('lost'), ['00000010-1-attempt']);
  } finally {
    proxy.close();
  }
});

test('an attempt removes what those before it left, and nothing of runs whose names begin like its own', async () => {
  const others = ['x/checkpoints/y', 'x/checkpoints/00000010-1-attempt', 'x/y', 'xy', 'x/checkpoints'];
  for (const run of others) {
    await add((await begin(run, 1)).checkpoints, 30);
    for (const key of [keys.runManifest('t', run), keys.runResult('t', run), keys.predictions('t', run, sha('3'))])
      await store.put(key, Buffer.from(key));
  }
  const kept = await stored('runs/t/x');
  const left = `${keys.checkpointPrefix('t', 'x', 40, '0-attempt')}state.json`;
  await store.put(left, Buffer.from('of an attempt that was killed'));

  const { cell, checkpoints } = await begin('x', 1);
  assert.deepEqual(
    (await stored('runs/t/x')).filter((key) => key !== keys.checkpointPointer('t', 'x')),
    kept,
  );
  for (const step of [10, 20, 30]) await add(checkpoints, step);
  await store.put(left, Buffer.from('of an attempt that was killed'));
  await removeUnnamed(store, 't', 'x', cell.current!);
  const found = await stored('runs/t/x');
  for (const key of kept) assert.ok(found.includes(key), `${key} stays`);
  assert.ok(!found.includes(left));
  const own = keptCheckpoints(cell.current!).flatMap(({ files }) => Object.values(files).map(({ key }) => key));
  assert.deepEqual(found, [...kept, ...own, keys.checkpointPointer('t', 'x')].sort());
});
