import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckpointPointer, StoredCheckpoint } from '../../contracts/index.ts';
import { addCheckpoint, keptCheckpoints } from '../../storage/index.ts';
import { checkpoint, pointerWith } from '../support/checkpoints.ts';

/** Adds checkpoints one after the other. @returns the last pointer, and the steps dropped at each addition. */
function addAll(
  checkpoints: readonly StoredCheckpoint[],
  keep: number,
): { pointer: CheckpointPointer; dropped: number[][] } {
  let pointer: CheckpointPointer | null = null;
  const dropped: number[][] = [];
  for (const added of checkpoints) {
    const step = addCheckpoint(pointer, added, keep);
    pointer = pointerWith(step.next);
    dropped.push(step.dropped.map((old) => old.step));
  }
  return { pointer: pointer!, dropped };
}

test('the last checkpoints and the best one stay, and each other is dropped once', () => {
  const { pointer, dropped } = addAll(
    [checkpoint(10, 3), checkpoint(20, 1), checkpoint(30, 2), checkpoint(40, 2), checkpoint(50, 2)],
    2,
  );
  assert.deepEqual(
    keptCheckpoints(pointer).map(({ step }) => step),
    [50, 40, 20],
  );
  assert.equal(pointer.best?.step, 20);
  assert.deepEqual(dropped, [[], [], [10], [], [30]]);
});

test('with one to keep there is the newest, and the best where it is another', () => {
  const { pointer, dropped } = addAll([checkpoint(10, 3), checkpoint(20, 2), checkpoint(30, 1)], 1);
  assert.deepEqual(
    keptCheckpoints(pointer).map(({ step }) => step),
    [30],
  );
  assert.deepEqual(dropped, [[], [10], [20]]);
});

test('an attempt that goes on from before a damaged checkpoint replaces it', () => {
  const { pointer, dropped } = addAll(
    [checkpoint(10, 3), checkpoint(20, 2), checkpoint(30, 4), checkpoint(20, 2, 'b')],
    3,
  );
  assert.deepEqual(
    [pointer.newest, ...pointer.earlier].map(({ files }) => files['state.json'].key),
    ['20-b/state.json', '10-a/state.json'],
  );
  assert.deepEqual(
    dropped.at(-1),
    [20, 30].sort((a, b) => b - a),
  );
});

test('a checkpoint that was taken over without training has no loss, and is not the best', () => {
  const { pointer } = addAll([checkpoint(10, null), checkpoint(20, 5)], 3);
  assert.equal(pointer.best?.step, 20);
});
