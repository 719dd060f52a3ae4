import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { logLine } from '../../workers/log.ts';

const SECRET = 'a quoted text';
const line = (meta: Record<string, unknown>, message = 'activity done'): Record<string, unknown> =>
  logLine({ level: 'WARN', message, timestampNanos: 1_700_000_000_000_000_000n, meta });

test('a line tells run, attempt and trace, under the same names for workflows and activities', () => {
  const of = { workflowId: 'nightly', traceId: 'a', spanId: 'b', attempt: 2 };
  const told = { time: '2023-11-14T22:13:20.000Z', level: 'warn', message: 'activity done', ...of, runId: 'r' };
  assert.deepEqual(line({ ...of, workflowRunId: 'r' }), told);
  assert.deepEqual(line({ ...of, runId: 'r' }), told);
});

test('a line holds no arguments, no other fields, no stack, and no message of an unknown error', () => {
  const told = JSON.stringify([
    line({ args: [SECRET], headers: { text: SECRET }, memo: SECRET, rows: { text: SECRET }, label: SECRET }),
    line({ error: new Error(SECRET) }),
    line({ error: ApplicationFailure.create({ type: 'Other', message: SECRET }) }),
    line({}, `failed\n${SECRET}\n    at ${SECRET}`),
  ]);
  assert.ok(!told.includes(SECRET), told);
  assert.equal(
    line({ error: new RaptError(ErrorKind.noSpace, 'no space is left') })['error'],
    'RaptNoSpace: no space is left',
  );
});
