import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf, spanOfRun } from '../../contracts/index.ts';

const RUN_ID = '01a210f4-c6de-7133-8f8a-6e48a2531d4e';
const PARENT = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`, tracestate: 'vendor=1' };

test('a run that is started within a trace goes on with it, sampled or not', () => {
  const span = spanOfRun(RUN_ID, PARENT);
  assert.deepEqual(span, { traceId: 'a'.repeat(32), spanId: '8f8a6e48a2531d4e', parent: PARENT });
  assert.deepEqual(contextOf(span), {
    traceparent: `00-${'a'.repeat(32)}-8f8a6e48a2531d4e-00`,
    tracestate: 'vendor=1',
  });
});

test('a run that is started without one begins a trace of its own, whatever is given for a header', () => {
  const none = { traceId: '01a210f4c6de71338f8a6e48a2531d4e', spanId: '8f8a6e48a2531d4e', parent: null };
  for (const header of [
    undefined,
    null,
    'text',
    {},
    { traceparent: 3 },
    { traceparent: '00-short-id-01' },
    { ...PARENT, tracestate: 7 },
  ])
    assert.deepEqual(spanOfRun(RUN_ID, header), none);
  assert.deepEqual(contextOf(none), { traceparent: `00-01a210f4c6de71338f8a6e48a2531d4e-8f8a6e48a2531d4e-01` });
});
