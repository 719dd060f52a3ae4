import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sha256 } from '../../../contracts/index.ts';
import { compatibleDigests, trainingDigest } from '../../../rapt/tuning/index.ts';
import { scheduleFactor, totalSteps } from '../../../rapt/tuning/learning-rate.ts';
import { options } from './fixtures.ts';

test('the learning rate rises and falls once in each phase, and no phase depends on a later one', () => {
  const schedule = { epochs: 2, extensions: [1], warmup: 0.25 };
  const factors = Array.from({ length: totalSteps(schedule, 4) }, (_, step) => scheduleFactor(step, 4, schedule));
  assert.deepEqual(factors.slice(0, 3), [0.5, 1, 1]);
  assert.deepEqual(factors.slice(8), [1, 1, 2 / 3, 1 / 3]);
  assert.ok(factors.every((factor) => factor > 0 && factor <= 1));
  for (let step = 0; step < 8; step++)
    assert.equal(factors[step], scheduleFactor(step, 4, { ...schedule, extensions: [] }));
});

test('a training with extensions can go on from one with fewer, and from no other', () => {
  const [release, backbone] = ['1', '2'].map((digit) => digit.repeat(64) as Sha256) as [Sha256, Sha256];
  const plain = options({ method: 'prefix', length: 4, epochs: 2, batchSize: 8 });
  const digests = compatibleDigests(release, backbone, { ...plain, extensions: [1, 3] });
  assert.deepEqual(
    digests,
    [[1, 3], [1], []].map((extensions) => trainingDigest(release, backbone, { ...plain, extensions })),
  );
  assert.equal(new Set(digests).size, 3);
  assert.ok(!digests.includes(trainingDigest(release, backbone, { ...plain, extensions: [3] })));
  assert.equal(
    trainingDigest(release, backbone, plain),
    trainingDigest(release, backbone, { ...plain, checkpointEverySteps: 7, keepCheckpoints: 9 }),
  );
});
