/** How often an activity is tried, over attempts that know of each other by their heartbeats alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { toFailure } from '../../activities/failures.ts';
import { beat, withHeartbeats } from '../../activities/heartbeat.ts';
import { ErrorKind, RaptError } from '../../contracts/index.ts';

/** As the server keeps an activity: the last heartbeat is there for the next attempt. */
class Activity {
  attempt = 0;
  details: unknown;

  /** @param body null is an attempt whose worker is killed after its first heartbeat. @returns what the server is told
   *  of the failure. */
  async fails(body: (() => Promise<never>) | null): Promise<ApplicationFailure | null> {
    this.attempt++;
    const context = {
      info: { attempt: this.attempt, heartbeatDetails: this.details },
      cancellationSignal: new AbortController().signal,
      // By way of the payload converter.
      heartbeat: (details: unknown) =>
        (this.details = details === undefined ? undefined : (JSON.parse(JSON.stringify(details)) as unknown)),
    } as unknown as Context;
    return asyncLocalStorage.run(context, async () => {
      if (body === null) {
        beat({ rows: this.attempt });
        return null;
      }
      const error: unknown = await withHeartbeats(body).catch((thrown: unknown) => thrown);
      const failure = await toFailure(error, 'gpu', context);
      assert.ok(failure instanceof ApplicationFailure);
      return failure;
    });
  }
}

const failing =
  (kind: ErrorKind, message = 'it failed') =>
  (): Promise<never> =>
    Promise.reject(new RaptError(kind, message));
const unknown = (): Promise<never> => Promise.reject(new TypeError('quotes a text'));

test('an outage of any length leaves a later crash all of its tries', async () => {
  const activity = new Activity();
  for (let attempt = 1; attempt <= 50; attempt++)
    assert.equal((await activity.fails(failing(ErrorKind.unavailable)))?.nonRetryable, false);
  for (let crash = 1; crash <= 9; crash++)
    assert.equal((await activity.fails(failing(ErrorKind.trainerCrashed)))?.nonRetryable, false, `crash ${crash}`);
  const last = await activity.fails(failing(ErrorKind.trainerCrashed, 'the model process was ended by SIGSEGV'));
  assert.deepEqual(
    [last?.nonRetryable, last?.type, last?.message],
    [
      true,
      ErrorKind.trainerCrashed,
      'the model process was ended by SIGSEGV (given up: it failed 10 times in this way)',
    ],
  );
});

test('kinds are counted by themselves, and killed attempts not at all', async () => {
  const activity = new Activity();
  for (let round = 1; round <= 9; round++) {
    assert.equal((await activity.fails(unknown))?.nonRetryable, false);
    assert.equal((await activity.fails(failing(ErrorKind.overtaken)))?.nonRetryable, false);
    for (let kill = 1; kill <= 3; kill++) await activity.fails(null);
  }
  assert.deepEqual(activity.details, { rows: activity.attempt, failures: { RaptUnexpected: 9, RaptOvertaken: 9 } });
  const last = await activity.fails(unknown);
  assert.equal(last?.nonRetryable, true);
  assert.match(last.message, /^unexpected TypeError in .* \(given up: it failed 10 times in this way\)$/);
});

test('what a second try cannot help is tried once, without a word about tries', async () => {
  const failure = await new Activity().fails(failing(ErrorKind.badInput, 'row 3 is empty'));
  assert.deepEqual([failure?.nonRetryable, failure?.message], [true, 'row 3 is empty']);
});

test('what an activity says of itself stays beside the count, and details of another form do no harm', async () => {
  const activity = new Activity();
  activity.details = { failures: { RaptUnexpected: 'many' }, step: 3 };
  await activity.fails(unknown);
  assert.deepEqual(activity.details, { step: 3, failures: { RaptUnexpected: 1 } });
  activity.details = 'step 4';
  await activity.fails(unknown);
  assert.deepEqual(activity.details, { failures: { RaptUnexpected: 1 } });
});
