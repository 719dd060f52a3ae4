import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextBoundary } from '../../workflows/blocks.ts';
import { detailsTable, duration, sparkline } from '../../workflows/details.ts';
import { RunState } from '../../workflows/run-state.ts';

const step = (at: number, loss: number | null = 1) => ({ step: at, totalSteps: 100, epoch: at / 20, loss, stepMs: 500, checkpointStep: null, resumed: null });

test('a stage is timed from its beginning to the next one', () => {
  const state = new RunState(1000);
  state.enter('privatize', 'privatizes', 3500);
  state.enter('privatize', 'still privatizes', 4000);
  state.enter('publish', 'uploads', 6000);
  assert.deepEqual(state.timing, { validate: 2.5, privatize: 2.5 });
});

test('signals count only while their stage lasts, and only when well-formed', () => {
  const state = new RunState(0);
  state.trainingAdvanced(step(5));
  assert.equal(state.progress.step, 0);
  state.enter('train', 'trains', 0);
  state.trainingAdvanced(step(5));
  assert.equal(state.progress.secondsLeft, 48);
  for (const wrong of [null, 'step', { step: '6' }, { ...step(6), loss: 'low' }]) state.trainingAdvanced(wrong);
  assert.equal(state.progress.step, 5);
  state.releaseAdvanced({ rows: 1, rowsTotal: 2, reused: false });
  assert.equal(state.progress.rowsPrivatized, 0);
});

test('a retry may fall back, and losses are kept to the last sixty', () => {
  const state = new RunState(0);
  state.enter('train', 'trains', 0);
  for (let at = 1; at <= 70; at++) state.trainingAdvanced(step(at, at));
  state.trainingAdvanced({ ...step(50, 1), resumed: 'resumed at step 50 of 100, attempt 2' });
  assert.equal(state.progress.step, 50);
  assert.equal(state.progress.losses.length, 60);
  assert.match(state.progress.resumed ?? '', /attempt 2/);
});

test('what a run knows survives a trip through JSON', () => {
  const state = new RunState(0);
  state.enter('train', 'trains', 10);
  state.trainingAdvanced(step(3));
  assert.deepEqual(JSON.parse(JSON.stringify(state.progress)), state.progress);
});

test('blocks end at epochs, and a run of very many epochs has at most 200 of them', () => {
  const boundaries = (stepsPerEpoch: number, totalSteps: number, from = 0): number[] => {
    const ends: number[] = [];
    for (let at = from; at < totalSteps; ends.push(at)) at = nextBoundary({ step: at, stepsPerEpoch, totalSteps });
    return ends;
  };
  assert.deepEqual(boundaries(20, 60), [20, 40, 60]);
  assert.deepEqual(boundaries(20, 60, 33), [40, 60]);
  const many = boundaries(2, 20_000);
  assert.ok(many.length <= 200 && many.at(-1) === 20_000, `${many.length} blocks`);
});

test('the table in the Temporal UI tells the stage, the step and the loss, and no row of what has not begun', () => {
  const state = new RunState(0);
  const before = detailsTable(state.progress);
  assert.match(before, /\| stage \| validate \(1 of 9\) \|/);
  assert.doesNotMatch(before, /loss|step|report/);
  state.expect({ epochs: 5 });
  state.enter('train', 'trains | now', 0);
  state.trainingAdvanced(step(40, 0.5));
  const table = detailsTable(state.progress);
  assert.match(table, /\| epoch \| 3 of 5 \|/);
  assert.match(table, /\| step \| 40 of 100 \|/);
  assert.match(table, /\| loss \| 0\.5000 /);
  assert.match(table, /trains \\\| now/);
});

test('a sparkline spans least to greatest, durations are read at a glance', () => {
  assert.equal(sparkline([0, 1, 2]), '▁▅█');
  assert.equal(sparkline([3, 3]), '▁▁');
  assert.deepEqual([10, 600, 12_000].map(duration), ['10 s', '10 min', '3 h 20 min']);
});
