/** The time left as a run tells it, over recorded step times. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Pace } from '../../activities/gpu/pace.ts';
import { RunState } from '../../workflows/run-state.ts';

/** Times of each step in ms: MiniLM on two cores, 250 steps of 32 rows. At step 60 and 140 two other programs take the
 *  cores for 12 s; at step 100 the process is stopped for 4 s twice, and at step 190 for 20 s. */
const RECORDED = JSON.parse(readFileSync(new URL('../fixtures/step-times.json', import.meta.url), 'utf8')) as number[];
/** As activities/progress.ts signals a run. */
const SIGNAL_MS = 5000;

interface Told {
  readonly atMs: number;
  readonly step: number;
  readonly secondsLeft: number;
}

/** What a run says over these steps. @param blockSteps after which another activity goes on, with a measurement of its
 *  own. */
function tell(
  times: readonly number[],
  {
    blockSteps = Infinity,
    paceOf = () => new Pace(),
  }: { blockSteps?: number; paceOf?: () => Pick<Pace, 'observe' | 'stepMs'> } = {},
): Told[] {
  const state = new RunState(0);
  state.enter('train', 'trains', 0);
  const told: Told[] = [];
  let pace = paceOf();
  let atMs = 0;
  let signalledMs = -Infinity;
  times.forEach((ms, index) => {
    if (index % blockSteps === 0) pace = paceOf();
    atMs += ms;
    pace.observe(ms);
    if (atMs - signalledMs < SIGNAL_MS) return;
    signalledMs = atMs;
    const step = index + 1;
    state.trainingAdvanced({
      step,
      totalSteps: times.length,
      epoch: 0,
      loss: 1,
      stepMs: pace.stepMs ?? 0,
      checkpointStep: null,
      resumed: null,
    });
    if (state.progress.secondsLeft !== null) told.push({ atMs, step, secondsLeft: state.progress.secondsLeft });
  });
  return told;
}

/** By how much each figure is off from what the one before promised, as a factor: 1 when it fell by just the steps that
 *  were done. */
const jumps = (told: readonly Told[], steps: number): number[] =>
  told.slice(1).flatMap(({ step, secondsLeft }, index) => {
    const before = told[index]!;
    const expected = (before.secondsLeft * (steps - step)) / (steps - before.step);
    // Rounded to whole seconds, the last ones say nothing.
    return expected < 10 ? [] : [Math.max(secondsLeft / expected, expected / secondsLeft)];
  });
const largest = (values: readonly number[]): number => Math.max(...values);

/** The estimate of older versions: the time of the last step. */
const lastStep = (): Pick<Pace, 'observe' | 'stepMs'> => {
  let last = 0;
  return {
    observe(ms) {
      last = ms;
    },
    get stepMs() {
      return last;
    },
  };
};

test('over recorded steps with pauses, the time left moves by a seventh at most between two figures', () => {
  const told = tell(RECORDED);
  assert.ok(told.length > 15, `${told.length} figures`);
  assert.ok(largest(jumps(told, RECORDED.length)) < 1.15, `${largest(jumps(told, RECORDED.length))}`);
  assert.ok(largest(RECORDED) > 20 * RECORDED[20]!, 'the recording has pauses that would show');
});

test('the time left falls, but for a few seconds', () => {
  const told = tell(RECORDED);
  for (const [index, { secondsLeft }] of told.slice(1).entries())
    assert.ok(
      secondsLeft <= told[index]!.secondsLeft * 1.1 + 2,
      `${told[index]!.secondsLeft} s, then ${secondsLeft} s`,
    );
});

test('the time left is that which the steps take, pauses aside', () => {
  const typical = [...RECORDED].sort((a, b) => a - b).slice(0, -5);
  const stepMs = typical.reduce((sum, ms) => sum + ms, 0) / typical.length;
  const { step, secondsLeft } = tell(RECORDED).find((one) => one.step > 40)!;
  const truth = ((RECORDED.length - step) * stepMs) / 1000;
  assert.ok(Math.abs(secondsLeft / truth - 1) < 0.35, `${secondsLeft} s, not ${truth} s`);
});

test('another block or attempt, which measures anew, does not make it jump', () => {
  assert.ok(largest(jumps(tell(RECORDED, { blockSteps: 50 }), RECORDED.length)) < 1.3);
});

test('equal steps give the exact time left, and one that takes a thousand times as long changes it by a tenth', () => {
  const steady = Array.from({ length: 400 }, () => 500);
  for (const { step, secondsLeft } of tell(steady)) assert.equal(secondsLeft, Math.round((400 - step) * 0.5));
  const paused = steady.map((ms, step) => (step === 200 ? 500_000 : ms));
  const told = tell(paused);
  const around = told.findIndex(({ step }) => step > 200);
  assert.ok(told[around]!.secondsLeft <= told[around - 1]!.secondsLeft * 1.1);
});

test('a machine that is slower for good is followed', () => {
  const slower = Array.from({ length: 600 }, (_, step) => (step < 200 ? 200 : 1000));
  const told = tell(slower).find(({ step }) => step >= 290)!;
  const truth = 600 - told.step;
  assert.ok(Math.abs(told.secondsLeft / truth - 1) < 0.15, `${told.secondsLeft} s, not ${truth} s`);
});

test('the steps in which a process warms up do not count', () => {
  const pace = new Pace();
  for (const ms of [9000, 4000]) pace.observe(ms);
  assert.equal(pace.stepMs, null);
  pace.observe(300);
  assert.equal(pace.stepMs, 300);
});

test('the figure of older versions would not pass', () => {
  assert.ok(largest(jumps(tell(RECORDED, { paceOf: lastStep }), RECORDED.length)) > 1.3);
});
