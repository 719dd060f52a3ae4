import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  onlyReleased,
  RaptError,
  RELEASED,
  releasedFields,
  releasedTable,
  type Released,
} from '../../contracts/index.ts';
import { onlyReleasedResults } from '../../activities/client/boundary/only-released.ts';
import { projectRoot } from '../../system/index.ts';
import { tuned } from '../support/results.ts';
import { simpleActivities } from '../workflows/stub-activities.ts';

test('docs/what-leaves.md is the one of this code; `rapt schema --leaves > docs/what-leaves.md` makes it anew', () => {
  assert.equal(readFileSync(join(projectRoot, 'docs', 'what-leaves.md'), 'utf8'), releasedTable());
});

test('every field that leaves has a reason', () => {
  const fields = releasedFields();
  assert.deepEqual(
    fields.filter(({ reason }) => reason === null || reason.length < 5),
    [],
  );
  assert.deepEqual([...new Set(fields.map(({ of }) => of))], Object.keys(RELEASED));
  assert.ok(fields.length > 100);
});

const metrics = { accuracy: 0.66, f1: null, n: 40, reconstruction: null };
const audit = { texts: 30, tokens: 900, attacks: [], deniability: null };

test('what nobody gave a reason for does not leave, and is named without its value', () => {
  const refused = (of: Released, value: unknown, named: string): void =>
    assert.throws(
      () => onlyReleased(of, value),
      (error: unknown) =>
        error instanceof RaptError &&
        error.message.startsWith(`${of} would let out what contracts/released.ts does not: ${named};`) &&
        !error.message.includes('secret'),
    );
  assert.deepEqual(onlyReleased('score', { metrics, gates: [] }), { metrics, gates: [] });
  refused('score', { metrics: { ...metrics, confusion: [['secret']] }, gates: [] }, 'metrics.confusion');
  refused('score', { metrics: { ...metrics, majorityRate: 0.6 }, gates: [] }, 'metrics.majorityRate');
  refused(
    'score',
    { metrics, gates: [{ gate: 'a>=1', value: null, passed: false, reason: 'secret' }] },
    'gates.0.reason',
  );
  refused('audit', { ...audit, attributes: [{ attribute: 'secret' }] }, 'attributes');
  refused('register', { secret: 'secret' }, 'the whole');
  refused(
    'result.json',
    { ...tuned, report: { uri: 's3' } },
    'metrics.test.majorityRate, metrics.test.confusion, audit.attributes',
  );
});

test('every activity of the client is held against its schema', async () => {
  assert.deepEqual(
    Object.keys(RELEASED)
      .filter((of) => of !== 'result.json')
      .sort(),
    Object.keys(onlyReleasedResults(simpleActivities))
      .filter((name) => !['train', 'assembleAdapter', 'predict'].includes(name))
      .sort(),
  );
  const leaking = {
    ...simpleActivities,
    finishPrediction: () => Promise.resolve({ rows: 1, out: 'a', accuracy: null, texts: ['secret'] }),
  };
  await assert.rejects(
    onlyReleasedResults(leaking).finishPrediction({} as never),
    /finishPrediction would let out .*: texts;/,
  );
  await onlyReleasedResults(simpleActivities).register({} as never);
  assert.deepEqual(
    await onlyReleasedResults(simpleActivities).score({} as never),
    await simpleActivities.score({} as never),
  );
});
