import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKPOINT_FILES, type ArtifactRef, type CheckpointFile, type CheckpointPointer, type Sha256, type StoredCheckpoint } from '../../contracts/index.ts';
import { addCheckpoint, keptCheckpoints } from '../../storage/index.ts';

const sha = 'a'.repeat(64) as Sha256;

function checkpoint(step: number, loss: number | null, attempt = 'a'): StoredCheckpoint {
  const ref = (file: CheckpointFile): ArtifactRef => ({ bucket: 'b', key: `${step}-${attempt}/${file}`, sha256: sha, sizeBytes: 1 });
  return { step, trainingDigest: sha, loss, files: Object.fromEntries(CHECKPOINT_FILES.map((file) => [file, ref(file)])) as Record<CheckpointFile, ArtifactRef> };
}

/** Adds checkpoints one after the other. @returns the last pointer, and the steps dropped at each addition. */
function addAll(checkpoints: readonly StoredCheckpoint[], keep: number): { pointer: CheckpointPointer; dropped: number[][] } {
  let pointer: CheckpointPointer | null = null;
  const dropped: number[][] = [];
  for (const added of checkpoints) {
    const step = addCheckpoint(pointer, added, keep);
    pointer = { format: 'rapt-pointer/2', release: sha, trainingDigest: sha, totalSteps: 100, attempt: 'a', fence: { scheduledMs: 1, attempt: 1 }, ...step.next };
    dropped.push(step.dropped.map((old) => old.step));
  }
  return { pointer: pointer!, dropped };
}

test('the last checkpoints and the best one stay, and each other is dropped once', () => {
  const { pointer, dropped } = addAll([checkpoint(10, 3), checkpoint(20, 1), checkpoint(30, 2), checkpoint(40, 2), checkpoint(50, 2)], 2);
  assert.deepEqual(keptCheckpoints(pointer).map(({ step }) => step), [50, 40, 20]);
  assert.equal(pointer.best?.step, 20);
  assert.deepEqual(dropped, [[], [], [10], [], [30]]);
});

test('with one to keep there is the newest, and the best where it is another', () => {
  const { pointer, dropped } = addAll([checkpoint(10, 3), checkpoint(20, 2), checkpoint(30, 1)], 1);
  assert.deepEqual(keptCheckpoints(pointer).map(({ step }) => step), [30]);
  assert.deepEqual(dropped, [[], [10], [20]]);
});

test('an attempt that goes on from before a damaged checkpoint replaces it', () => {
  const { pointer, dropped } = addAll([checkpoint(10, 3), checkpoint(20, 2), checkpoint(30, 4), checkpoint(20, 2, 'b')], 3);
  assert.deepEqual([pointer.newest, ...pointer.earlier].map(({ files }) => files['state.json'].key), ['20-b/state.json', '10-a/state.json']);
  assert.deepEqual(dropped.at(-1), [20, 30].sort((a, b) => b - a));
});

test('a checkpoint that was taken over without training has no loss, and is not the best', () => {
  const { pointer } = addAll([checkpoint(10, null), checkpoint(20, 5)], 3);
  assert.equal(pointer.best?.step, 20);
});
