import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorKind, keys, RaptError } from '../../contracts/index.ts';
import type { CheckpointPointer, Fence } from '../../contracts/index.ts';
import { CheckpointPointerCell, createMinioStore } from '../../storage/index.ts';
import { checkpoint, pointerWith } from '../support/checkpoints.ts';
import { minioOfFile } from '../support/minio.ts';
import { startHttpProxy } from '../support/proxies.ts';

const { server, store } = await minioOfFile();

/** Attempts are named in the order in which they were made. */
const fence = (attempt: string): Fence => ({ scheduledMs: 1000, attempt: attempt.charCodeAt(0) });
const pointer = (attempt: string, step: number): CheckpointPointer =>
  pointerWith({ attempt, fence: fence(attempt), newest: checkpoint(step) });
const open = (run: string): Promise<CheckpointPointerCell> => CheckpointPointerCell.open(store, 'local', run);
const overtaken = (error: unknown): boolean =>
  error instanceof RaptError && error.kind === ErrorKind.overtaken && /latest\.json/.test(error.message);

describe('the checkpoint pointer', () => {
  it('is empty before the first checkpoint, and then points at the newest', async () => {
    const cell = await open('first');
    assert.equal(cell.current, null);
    await cell.claim('a', fence('a'));
    assert.equal(cell.current, null);
    await cell.advance(pointer('a', 10));
    await cell.advance(pointer('a', 20));
    assert.deepEqual((await open('first')).current, pointer('a', 20));
  });

  it('is taken over by a later attempt with the checkpoint that stands', async () => {
    const old = await open('later');
    await old.claim('a', fence('a'));
    await old.advance(pointer('a', 10));
    const next = await open('later');
    await next.claim('b', fence('b'));
    assert.deepEqual(next.current, pointer('b', 10));
    await assert.rejects(old.advance(pointer('a', 20)), overtaken);
    await next.advance(pointer('b', 20));
    assert.deepEqual((await open('later')).current, pointer('b', 20));
  });

  it('cannot be moved by an older attempt even before there is a checkpoint', async () => {
    const old = await open('early');
    await old.claim('a', fence('a'));
    const next = await open('early');
    await next.claim('b', fence('b'));
    await assert.rejects(old.advance(pointer('a', 10)), overtaken);
    await next.advance(pointer('b', 10));
  });

  it('shows a claim what an older attempt stored between opening and claiming', async () => {
    const old = await open('between');
    await old.claim('a', fence('a'));
    const next = await open('between');
    await old.advance(pointer('a', 10));
    await next.claim('b', fence('b'));
    assert.equal(next.current?.newest.step, 10);
    await assert.rejects(old.advance(pointer('a', 20)), overtaken);
  });

  it('is refused to an attempt that begins late, after a newer one took its place', async () => {
    const frozen = await open('frozen');
    const next = await open('frozen');
    await next.claim('b', fence('b'));
    await assert.rejects(frozen.claim('a', fence('a')), overtaken);
    await next.advance(pointer('b', 10));
    await assert.rejects((await open('frozen')).claim('a', fence('a')), overtaken);
    await next.advance(pointer('b', 20));
    const later = { scheduledMs: 2000, attempt: 1 };
    await (await open('frozen')).claim('later activity', later);
    await assert.rejects(next.advance(pointer('b', 30)), overtaken);
  });

  it('belongs to exactly one of several attempts that claim at once', async () => {
    const attempts = ['a', 'b', 'c'];
    const cells = await Promise.all(attempts.map(() => open('race')));
    await Promise.allSettled(cells.map((cell, index) => cell.claim(attempts[index]!, fence(attempts[index]!))));
    const outcomes = await Promise.allSettled(
      cells.map((cell, index) => cell.advance(pointer(attempts[index] ?? '', 10))),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        assert.match(String(outcome.reason), /another writer changed it first|must claim the pointer/);
    assert.equal((await open('race')).current?.attempt, 'c', 'the newest');
  });

  it('must be claimed before it is advanced', async () => {
    await assert.rejects((await open('unclaimed')).advance(pointer('a', 1)), /must claim the pointer/);
  });

  it('is read again when a bit changed on the way, and refused when it is wrong each time', async () => {
    const cell = await open('noise');
    await cell.claim('a', fence('a'));
    await cell.advance(pointer('a', 10));
    let wrong = 2;
    const proxy = await startHttpProxy(server.options.endpoint, () => (wrong-- > 0 ? 'flip a bit' : 'pass'));
    try {
      const behind = createMinioStore({ ...server.options, endpoint: proxy.endpoint });
      assert.deepEqual((await CheckpointPointerCell.open(behind, 'local', 'noise')).current, pointer('a', 10));
      wrong = Infinity;
      await assert.rejects(
        CheckpointPointerCell.open(behind, 'local', 'noise'),
        /is not a checkpoint pointer, or was damaged/,
      );
    } finally {
      proxy.close();
    }
  });

  it('is refused when it is something else', async () => {
    await store.put(keys.checkpointPointer('local', 'strange'), Buffer.from('{"format":"other"}'));
    await assert.rejects(
      open('strange'),
      (error: RaptError) =>
        error.kind === ErrorKind.corruptArtifact && /is not a checkpoint pointer/.test(error.message),
    );
  });
});
