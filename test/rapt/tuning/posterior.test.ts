import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zipfPrior } from '../../../rapt/channel/index.ts';
import { seededRandom, uniform, type EmbeddingTable } from '../../../rapt/privacy/index.ts';
import { trainingDigest } from '../../../rapt/tuning/index.ts';
import { posteriorEmbeddings } from '../../../rapt/tuning/posterior.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { options } from './fixtures.ts';

const ROWS = 40;
const DIMENSIONS = 3;
const ETA = 6;
const random = seededRandom(4);
const table: EmbeddingTable = {
  values: Float32Array.from({ length: ROWS * DIMENSIONS }, () => uniform(random)),
  rows: ROWS,
  dimensions: DIMENSIONS,
  sha256: 'b'.repeat(64),
};
const outputIds = Int32Array.from({ length: ROWS - 4 }, (_, i) => i + 4);

const cacheBefore = process.env['RAPT_CACHE'];
const cache = temporaryFolder();
before(() => (process.env['RAPT_CACHE'] = cache));
after(() => {
  if (cacheBefore === undefined) delete process.env['RAPT_CACHE'];
  else process.env['RAPT_CACHE'] = cacheBefore;
});

const row = (id: number): number[] => [...table.values.subarray(id * DIMENSIONS, (id + 1) * DIMENSIONS)];
const distance = (a: number, b: number): number => Math.hypot(...row(a).map((value, i) => value - row(b)[i]!));

test('the posterior mean follows Bayes’ rule, special tokens keep theirs, a second call reads it', async () => {
  const means = await posteriorEmbeddings(table, outputIds, 'exponential', ETA);
  const prior = zipfPrior(ROWS, outputIds);
  for (const y of [4, 20, 39]) {
    const weights = Array.from({ length: ROWS }, (_, x) => {
      const total = outputIds.reduce((sum, output) => sum + Math.exp((-ETA / 2) * distance(x, output)), 0);
      return (prior[x]! * Math.exp((-ETA / 2) * distance(x, y))) / total;
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let i = 0; i < DIMENSIONS; i++) {
      const expected = weights.reduce((mean, weight, x) => mean + (weight / sum) * row(x)[i]!, 0);
      assert.ok(Math.abs(means[y * DIMENSIONS + i]! - expected) < 1e-3, `token ${y}`);
    }
  }
  assert.deepEqual([...means.subarray(0, 4 * DIMENSIONS)], [...table.values.subarray(0, 4 * DIMENSIONS)]);
  assert.equal(readdirSync(join(cache, 'posteriors')).length, 1);
  assert.deepEqual(await posteriorEmbeddings(table, outputIds, 'exponential', ETA), means);
});

test('what the model reads is part of the training’s digest, and the default leaves older digests as they were', () => {
  const digest = 'c'.repeat(64) as Parameters<typeof trainingDigest>[0];
  const of = (tuning: Record<string, unknown>) => trainingDigest(digest, digest, options(tuning));
  assert.notEqual(of({ input: 'posterior' }), of({}));
  assert.notEqual(of({ labelCorrection: 'none' }), of({}));
  assert.equal(of({ input: 'released', labelCorrection: 'forward' }), of({}));
});
