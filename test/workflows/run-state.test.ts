import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunProgress } from '../../contracts/index.ts';
import { nextBoundary } from '../../workflows/blocks.ts';
import { detailsTable, duration, sparkline } from '../../workflows/details.ts';
import { RunState } from '../../workflows/run-state.ts';

const step = (at: number, loss: number | null = 1) => ({
  step: at,
  totalSteps: 100,
  epoch: at / 20,
  loss,
  stepMs: 500,
  checkpointStep: null,
  resumed: null,
});

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
  state.trainingAdvanced({ ...step(5), stepMs: 0 });
  assert.equal(state.progress.secondsLeft, 48, 'a block that has only begun has no pace of its own');
  for (const wrong of [null, 'step', { step: '6' }, { ...step(6), loss: 'low' }]) state.trainingAdvanced(wrong);
  assert.equal(state.progress.step, 5);
  state.releaseAdvanced({ rows: 1, rowsTotal: 2, reused: false });
  assert.equal(state.progress.rowsPrivatized, 0);
});

test('what was found in the tables is told once they were looked at, but not where everybody can read it', () => {
  const state = new RunState(0);
  state.inspected(40);
  assert.deepEqual([state.progress.rowsTotal, state.progress.notes], [40, undefined]);
  state.inspected(40, ['97 % of the tokens are unknown']);
  assert.deepEqual(state.progress.notes, ['97 % of the tokens are unknown']);
  assert.deepEqual(new RunState(0, state.snapshot()).progress.notes, state.progress.notes);
  assert.doesNotMatch(detailsTable(state.progress), /97/);
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

test('the table in the Temporal UI tells stage, step and loss, and nothing of what has not begun', () => {
  const state = new RunState(0);
  const before = detailsTable(state.progress);
  assert.match(before, /\| stage\u2003 \| validate \(1 of 9\) \|/);
  assert.doesNotMatch(before, /loss|step|report|attacks|accuracy/);
  state.expect({ epochs: 5 });
  state.enter('train', 'trains | now', 0);
  state.trainingAdvanced(step(40, 0.5));
  const table = detailsTable(state.progress);
  assert.match(table, /\| epoch\u2003 \| 3 of 5 \|/);
  assert.match(table, /\| step\u2003 \| 40 of 100 \|/);
  assert.match(table, /\| loss\u2003 \| 0\.5000 /);
  assert.match(table, /trains \\\| now/);
});

test('at its end the table tells what attacks got, whether the gates hold, and where the report is', () => {
  const state = new RunState(0);
  const share = (value: number) => ({ value, low: value, high: value });
  state.attacked({
    attacks: [{ attack: 'bayes', success: share(0.517), priorOnly: share(0.011), mostFrequent: share(0.052), n: 100 }],
  });
  const ofToday = detailsTable(state.progress);
  for (const row of [
    'attacks get\u2003 | of the tokens (without the release; by the most frequent token alone):',
    'bayes\u2003 | 51.7 % (1.1 %; 5.2 %)',
  ])
    assert.ok(ofToday.includes(`| ${row} |`), row);
  // As earlier versions told it, who took the most frequent token for no release.
  state.attacked({ attacks: [{ attack: 'bayes', success: share(0.517), priorOnly: share(0.052), n: 100 }] });
  state.scored(0.657, [
    { gate: 'accuracy>=0.6', value: 0.657, passed: true },
    { gate: 'attribute.Krankheit<=0.5', value: 0.6, passed: false },
  ]);
  state.reported('s3://rapt/reports/local/x/index.html', 'http://127.0.0.1:8234/report/local/x');
  const table = detailsTable(state.progress);
  for (const row of [
    'attacks get\u2003 | of the tokens (by the most frequent token alone):',
    'bayes\u2003 | 51.7 % (5.2 %)',
    'accuracy\u2003 | 65.7 %',
    'gates\u2003 | 1 of 2 hold',
    'report\u2003 | [open it](<http://127.0.0.1:8234/report/local/x>)',
  ])
    assert.ok(table.includes(`| ${row} |`), row);
  // The name of a column.
  assert.doesNotMatch(table, /Krankheit/);
  state.reported('s3://rapt/reports/local/x/index.html');
  assert.match(detailsTable(state.progress), /\| `s3:\/\/rapt\/reports\/local\/x\/index\.html` \|/);
});

test('a state that an earlier version wrote down is completed', () => {
  const { attacks, gates, reportLink, ...earlier } = new RunState(0).progress;
  assert.deepEqual([attacks, gates, reportLink], [[], null, null]);
  const state = new RunState(0, {
    progress: { ...earlier, stage: 'train' } as RunProgress,
    enteredAtMs: 0,
    seconds: {},
  });
  assert.match(detailsTable(state.progress), /train \(4 of 9\)/);
});

test('a sparkline spans least to greatest, durations are read at a glance', () => {
  assert.equal(sparkline([0, 1, 2]), '▁▅█');
  assert.equal(sparkline([3, 3]), '▁▁');
  assert.equal(sparkline([]), '');
  const many = sparkline(Array.from({ length: 60 }, (_, step) => 60 - step));
  assert.equal(many.length, 20);
  assert.ok(many.startsWith('█') && many.endsWith('▁'));
  assert.deepEqual([10, 600, 12_000].map(duration), ['10 s', '10 min', '3 h 20 min']);
});
