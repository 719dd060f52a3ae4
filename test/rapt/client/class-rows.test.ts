/** Sizes of classes, as the owner's policy is asked about them. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tuningConfigSchema, type TuningInput } from '../../../contracts/index.ts';
import { classRowsOf } from '../../../rapt/client/index.ts';
import { inspectTables } from '../../../rapt/data/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();

/** A table of so many rows of each class, in turn. */
function tableOf(path: string, rows: number): string {
  const labels = Array.from({ length: 2 * rows }, (_, row) => 'ab'[row % 2]);
  writeFileSync(path, `text,label\n${labels.map((label, row) => `text ${row},${label}`).join('\n')}\n`);
  return path;
}

async function sizes(data: NonNullable<TuningInput['data']>, splitByLabels: boolean): Promise<readonly number[]> {
  const config = tuningConfigSchema.parse({ data }).data;
  return (await classRowsOf(config, await inspectTables(config, { splitByLabels }), splitByLabels)).classRows;
}

const train = tableOf(join(folder, 'train.csv'), 20);
const other = tableOf(join(folder, 'other.csv'), 7);
const dataset = join(folder, 'dataset');
mkdirSync(dataset);
tableOf(join(dataset, 'train.csv'), 20);
tableOf(join(dataset, 'test.csv'), 7);

for (const splitByLabels of [true, false])
  test(`rows of the training table alone count, labels ${splitByLabels ? 'plain' : 'protected'}`, async () => {
    const whole = [{ train }, { train, test: other }, { train, test: train }, { train: dataset }];
    const parts = [{}, { maxTrainRows: 5 }, { maxTestRows: 2 }, { testFraction: 0.4 }];
    for (const tables of whole)
      for (const part of parts) {
        const data = { ...tables, ...part };
        assert.deepEqual(await sizes(data, splitByLabels), [20, 20], JSON.stringify(data));
      }
  });

test('a built-in data set has the sizes of its training table', async () => {
  const [protectedSizes, plain] = [
    await sizes({ train: 'movie-reviews' }, false),
    await sizes({ train: 'movie-reviews' }, true),
  ];
  const { classCounts } = await inspectTables(tuningConfigSchema.parse({ data: { train: 'movie-reviews' } }).data);
  assert.deepEqual([protectedSizes, plain], [classCounts.train, classCounts.train]);
});
