/** A labelled prediction: its accuracy is its owner's, and what leaves of it cannot be asked for again with other
 *  answers. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { finishedPrediction } from '../../activities/client/predict.ts';
import { ownAccuracy } from '../../activities/client/records/answered.ts';
import type { PreparedPrediction, Sha256 } from '../../contracts/index.ts';
import { keepProtection } from '../../rapt/client/index.ts';
import { releaseFolder } from '../../rapt/home.ts';
import { temporaryFolder } from '../support/folder.ts';

const home = temporaryFolder();
const first = 'a'.repeat(64) as Sha256;
const other = 'b'.repeat(64) as Sha256;

/** What is told of so many rows of which half and one more were right. */
async function told(localKey: string, labelled: number, predictions = first): Promise<number | null> {
  mkdirSync(releaseFolder(home, 'local', localKey), { recursive: true });
  const prepared = {
    prediction: `${localKey}-${labelled}`,
    tenant: 'local',
    localKey,
    input: { path: 'a.csv', text: 'text', label: 'y' },
  };
  const answered = {
    prepared: prepared as PreparedPrediction,
    predictions,
    rows: labelled,
    out: 'b.csv',
    labelled,
    right: labelled / 2 + 1,
  };
  return (await finishedPrediction(home, answered)).accuracy;
}

test('its accuracy leaves in steps, over enough rows, and for one set of answers; here it is exact', async () => {
  assert.equal(await told('few', 18), null);
  assert.equal(await told('table', 40), 0.6);
  assert.equal(await told('table', 40), 0.6, 'a repetition');
  assert.equal(await told('table', 40, other), null, 'other answers to the same labels');
  assert.deepEqual(
    [ownAccuracy(home, 'local', 'table-40'), ownAccuracy(home, 'local', 'few-18'), ownAccuracy(home, 'local', 'never')],
    [0.525, 10 / 18, null],
  );
});

test('where labels were protected in the training it does not leave', async () => {
  mkdirSync(releaseFolder(home, 'local', 'protected'), { recursive: true });
  await keepProtection(releaseFolder(home, 'local', 'protected'), { isProtected: true });
  assert.equal(await told('protected', 40), null);
  assert.equal(ownAccuracy(home, 'local', 'protected-40'), 0.525);
});
