/** What people and machines do to a run that is under way: it ends with the bytes of one that was left alone, and says
 *  what it re-used. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlainTrainer, releaseFolderOf } from '../support/plain-training.ts';
import {
  parseTuningConfig,
  type CheckpointPointer,
  type TuningInput,
  type TuningResult,
} from '../../contracts/index.ts';
import { CheckpointPointerCell } from '../../storage/index.ts';
import { PROGRAM, TestStack } from '../support/stack.ts';
import { childrenOf, eventually, foldersIn, Probe, shardsIn } from '../support/probe.ts';
import { writeSmallBackbone } from '../support/small-backbone.ts';
import { writeSentences } from './reviews.ts';

const stack = new TestStack();
const table = join(stack.home, 'reviews.tsv');
const configFile = join(stack.home, 'tuning.json');
const CHECKPOINT_EVERY = 10;
const backbone = join(stack.home, 'backbone');
const INPUT: TuningInput = {
  data: { train: table, maxTokens: 24 },
  backbone,
  audit: false,
  tuning: {
    epochs: 3,
    batchSize: 8,
    length: 4,
    checkpointEverySteps: CHECKPOINT_EVERY,
    keepCheckpoints: 2,
    reconstruction: { plainTokens: 2, vocabularySize: 100, bottleneck: 8 },
  },
};
const trainer = new PlainTrainer(backbone);
let probe: Probe;
let undisturbed: TuningResult;

before(
  async () => {
    await writeSmallBackbone(backbone);
    const { temporal } = await stack.json<{ temporal: { address: string } }>(['up']);
    probe = await Probe.connect(temporal.address, stack.dataConverter());
    writeSentences(table, 0, 400);
    writeFileSync(configFile, JSON.stringify(INPUT));
  },
  { timeout: 400_000 },
);
after(
  async () => {
    await probe.close();
    await stack.remove();
  },
  { timeout: 400_000 },
);

async function start(id: string, ...options: string[]): Promise<void> {
  const { code, stderr } = await stack.rapt('run', '-f', configFile, '--id', id, ...options);
  assert.equal(code, 0, stderr);
}
const result = (id: string): Promise<TuningResult> => probe.result(id);

/** Folder of the release that a run used. */
const folderOf = ({ release }: TuningResult): Promise<string> =>
  releaseFolderOf(join(stack.home, 'client', 'local'), release.sha256);

/** The adapter of a training that nothing disturbed, in one process, on a run's release. */
async function plainAdapter(run: TuningResult, input: TuningInput = INPUT): Promise<string> {
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  return (await trainer.train(await folderOf(run), parsed.value.tuning)).adapter;
}

test(
  'a run gives the adapter of a training in one process without servers and checkpoints',
  { timeout: 400_000 },
  async () => {
    await start('undisturbed');
    undisturbed = await result('undisturbed');
    assert.equal(undisturbed.adapter.sha256, await plainAdapter(undisturbed));
  },
);

test('SIGTERM writes a checkpoint just in time: no step is made twice', { timeout: 400_000 }, async (t) => {
  // Asked for before: the training does not wait for the answer.
  const gpu = await stack.pidOf('gpu');
  await start('terminated-worker');
  await probe.untilStep('terminated-worker', 12);
  process.kill(gpu, 'SIGTERM');
  const left = await probe.until('terminated-worker', 'train', ({ running, attempt }) => !running || attempt > 1);
  await stack.json(['up']);
  const { resumed, adapter } = await result('terminated-worker');
  const [, step] =
    /resumed at step (\d+) of \d+, attempt 2: the one before ended with its worker, which was told to shut down/.exec(
      resumed ?? '',
    ) ?? [];
  assert.ok(step !== undefined, resumed ?? 'not resumed');
  const repeated = left.progress.step! - Number(step);
  t.diagnostic(`worker told to stop at step ${left.progress.step}, resumed at ${step}: ${repeated} steps made twice`);
  assert.ok(repeated <= 1);
  assert.equal(adapter.sha256, undisturbed.adapter.sha256);
});

test(
  'kill -9 of the GPU worker: the retry starts soon, and repeats the steps since the last checkpoint alone',
  { timeout: 400_000 },
  async (t) => {
    const gpu = await stack.pidOf('gpu');
    await start('killed-worker');
    await probe.until('killed-worker', 'train', ({ running, progress: { step = NaN, checkpointStep } }) => {
      const unsaved = step - (checkpointStep ?? NaN);
      return running && unsaved > 0 && unsaved < CHECKPOINT_EVERY;
    });
    process.kill(gpu, 'SIGKILL');
    const left = (await probe.pending('killed-worker', 'train'))!.progress;
    await stack.json(['up']);
    const restarted = Date.now();
    const { startedMs } = await probe.until('killed-worker', 'train', ({ running, attempt }) => running && attempt > 1);
    const { resumed, adapter } = await result('killed-worker');
    const [, step] =
      /resumed at step (\d+) of \d+, attempt 2: the one before lost its worker, which fell silent/.exec(
        resumed ?? '',
      ) ?? [];
    assert.ok(step !== undefined, resumed ?? 'not resumed');
    t.diagnostic(
      `the retry started ${((startedMs - restarted) / 1000).toFixed(1)} s after the restart; killed at step ` +
        `${left.step}, its last checkpoint that of ${left.checkpointStep}, resumed at ${step}`,
    );
    assert.ok(startedMs - restarted < 15_000);
    assert.ok(Number(step) >= left.checkpointStep!);
    assert.ok(left.step! - Number(step) <= CHECKPOINT_EVERY);
    assert.equal(adapter.sha256, undisturbed.adapter.sha256);
  },
);

test(
  'cancel ends a run within seconds and keeps a checkpoint, and resume says what it re-used and why',
  { timeout: 400_000 },
  async (t) => {
    await start('cancelled');
    const done = await probe.untilStep('cancelled', 12);
    const asked = Date.now();
    const handle = probe.client.workflow.getHandle('cancelled');
    await handle.cancel();
    await assert.rejects(handle.result());
    t.diagnostic(`cancelled ${Date.now() - asked} ms after it was asked for`);
    const resumed = await stack.json<TuningResult>(['resume', 'cancelled', '--wait']);
    const [, step] =
      /^resumed at step (\d+) of \d+ from run cancelled, which was cancelled$/.exec(resumed.resumed ?? '') ?? [];
    assert.ok(Number(step) >= done, resumed.resumed ?? 'not resumed');
    assert.equal(resumed.release.reused, true);
    assert.equal(resumed.adapter.sha256, undisturbed.adapter.sha256);
  },
);

test(
  'a paused run frees its worker, refuses to be paused twice, and goes on from where it was',
  { timeout: 400_000 },
  async () => {
    await start('paused');
    await probe.untilStep('paused', 12);
    const paused = await probe.pause('paused');
    assert.equal(paused.stage, 'train');
    assert.equal(await probe.pending('paused', 'train'), null);
    const again = await stack.rapt('pause', 'paused');
    assert.deepEqual([again.code, /paused already/.test(again.stderr)], [2, true], again.stderr);
    const { code, stderr } = await stack.rapt('watch', 'paused', '--timeout', '12s');
    assert.equal(code, 4);
    assert.match(stderr, /is paused; `rapt continue paused` lets it go on/);
    await start('meanwhile', '--set', 'tuning.epochs=1');
    await result('meanwhile');
    await stack.json(['continue', 'paused']);
    assert.equal((await result('paused')).adapter.sha256, undisturbed.adapter.sha256);
  },
);

test(
  'a terminated run and its resumption, killed before it could train, are gone on from',
  { timeout: 400_000 },
  async () => {
    await start('ended');
    await probe.untilStep('ended', 12);
    await probe.client.workflow.getHandle('ended').terminate('test');
    const gpu = await stack.pidOf('gpu');
    process.kill(gpu, 'SIGKILL');
    await stack.json(['resume', 'ended']);
    await probe.until('ended-r2', 'train', () => true);
    await probe.client.workflow.getHandle('ended-r2').terminate('test');
    await stack.json(['up']);
    const last = await stack.json<TuningResult>(['resume', 'ended-r2', '--wait']);
    assert.equal(last.workflowId, 'ended-r3');
    assert.match(last.resumed ?? '', /resumed at step [1-9]\d* of \d+ from run ended, which was terminated/);
    assert.equal(last.adapter.sha256, undisturbed.adapter.sha256);
  },
);

test('a run cancelled in the midst of privatizing is resumed with one release', { timeout: 500_000 }, async () => {
  const large = join(stack.home, 'large.tsv');
  writeSentences(large, 500, 8000);
  // Many rows, whose draw takes a while, and few of them to train on.
  const input: TuningInput = {
    ...INPUT,
    data: { train: large, testFraction: 0.9, maxTokens: 24 },
    tuning: { epochs: 1, batchSize: 64, length: 1, reconstruction: false, checkpointEverySteps: 5 },
  };
  const file = join(stack.home, 'large.json');
  writeFileSync(file, JSON.stringify(input));
  await stack.rapt('run', '-f', file, '--id', 'early');
  const { progress } = await probe.until(
    'early',
    'privatize',
    (pending) => ((pending.progress as { rows?: number }).rows ?? 0) > 0,
  );
  const handle = probe.client.workflow.getHandle('early');
  await handle.cancel();
  await assert.rejects(handle.result());
  const { rows, rowsTotal } = progress as unknown as { rows: number; rowsTotal: number };
  assert.ok(rows < rowsTotal, 'cancelled while some were left');
  const resumed = await stack.json<TuningResult>(['resume', 'early', '--wait']);
  assert.match(resumed.resumed ?? '', /run early has no checkpoint/);
  assert.equal(resumed.adapter.sha256, await plainAdapter(resumed, input));
  const { drawn, kept } = shardsIn(await folderOf(resumed));
  assert.equal(drawn, kept);
  assert.equal(foldersIn(join(stack.home, 'client', 'local', 'releases')).length, 2);
});

test('an extended run equals one that had its extension from the beginning', { timeout: 400_000 }, async () => {
  const extended = await stack.json<TuningResult>(['extend', 'undisturbed', '--epochs', '1', '--wait']);
  assert.equal(extended.workflowId, 'undisturbed-r2');
  assert.match(extended.resumed ?? '', /^resumed at step \d+ of \d+ from run undisturbed, which has completed$/);
  assert.equal(
    extended.adapter.sha256,
    await plainAdapter(extended, { ...INPUT, tuning: { ...INPUT.tuning, extensions: [1] } }),
  );
  assert.equal((await stack.rapt('resume', 'undisturbed')).code, 2);
});

test('a run that was reset to its beginning ends with the same bytes', { timeout: 400_000 }, async () => {
  const handle = probe.client.workflow.getHandle('undisturbed');
  const { events } = await handle.fetchHistory();
  const task = events!.find(({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes)!;
  await probe.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: 'undisturbed' },
    reason: 'test',
    workflowTaskFinishEventId: task.eventId!,
    requestId: 'reset',
  });
  const again = await result('undisturbed');
  assert.notEqual(again.runId, undisturbed.runId);
  assert.deepEqual(
    [again.release.sha256, again.adapter.sha256],
    [undisturbed.release.sha256, undisturbed.adapter.sha256],
  );
});

test(
  'a frozen GPU worker is overtaken by another: woken, it cannot move the pointer, and stops',
  { timeout: 500_000 },
  async () => {
    const frozen = await stack.pidOf('gpu');
    const log = join(stack.home, 'stack', 'logs', 'gpu.log');
    await start('overtaken', '--set', 'tuning.epochs=6');
    await probe.untilStep('overtaken', 12);
    process.kill(frozen, 'SIGSTOP');
    const other = spawn(process.execPath, [PROGRAM, 'worker', 'gpu'], { env: stack.environment(), stdio: 'ignore' });
    try {
      const pointer = async (): Promise<CheckpointPointer> =>
        (await CheckpointPointerCell.open(stack.store(), 'local', 'overtaken')).current!;
      const before = await pointer();
      await probe.until(
        'overtaken',
        'train',
        ({ running, attempt, progress }) => running && attempt > 1 && (progress.step ?? 0) > before.newest.step + 15,
      );
      const logged = statSync(log).size;
      process.kill(frozen, 'SIGCONT');
      const finished = await Promise.all([result('overtaken'), stepsOfPointer(pointer)]).then(([outcome, steps]) => {
        assert.deepEqual(
          steps,
          [...steps].sort((a, b) => a - b),
          'the pointer never goes back',
        );
        return outcome;
      });
      assert.match(finished.resumed ?? '', /attempt 2: the one before lost its worker/);
      assert.equal(
        finished.adapter.sha256,
        await plainAdapter(finished, { ...INPUT, tuning: { ...INPUT.tuning, epochs: 6 } }),
      );
      // By the pointer or by the server, whoever was first. Before that it may tell of the checkpoint that it was
      // storing when it was frozen.
      const fails = /"workflowId":"overtaken".*"attempt":1,.*(RaptOvertaken|NOT_FOUND|not found|cancel)/i;
      await eventually('the woken attempt fails', 60_000, () =>
        fails.test(readFileSync(log).subarray(logged).toString()),
      );
      await eventually('its model process ends', 60_000, () => childrenOf(frozen).length === 0);
    } finally {
      process.kill(frozen, 'SIGCONT');
      other.kill('SIGTERM');
      await new Promise((resolve) => other.once('exit', resolve));
    }
  },
);

/** Steps that a run's pointer names until its last. */
async function stepsOfPointer(read: () => Promise<CheckpointPointer>): Promise<number[]> {
  const steps: number[] = [];
  for (;;) {
    const { newest, totalSteps } = await read();
    steps.push(newest.step);
    if (newest.step === totalSteps) return steps;
    await sleep(100);
  }
}

test(
  'show tells the lineage, verify reads every artifact, and garbage collection takes nothing that is referred to',
  { timeout: 400_000 },
  async () => {
    const { lineage } = await stack.json<{ lineage: Record<string, string> }>(['show', 'undisturbed']);
    assert.equal(lineage['adapter'], undisturbed.adapter.sha256);
    assert.equal(lineage['release'], undisturbed.release.sha256);
    assert.match(lineage['checkpoint'] ?? '', /^step \d+, weights [0-9a-f]{64}$/);
    assert.match(lineage['code'] ?? '', /^workflow [0-9a-f]{12}, client \d+\.\d+\.\d+\S*, GPU \d+\.\d+\.\d+/);

    // A release and a checkpoint to which nothing refers, among all that is referred to.
    const store = stack.store();
    const strays = [
      `releases/local/${'0'.repeat(64)}/train-00000.parquet`,
      'runs/local/undisturbed/checkpoints/00000099-stray/state.json',
    ];
    for (const key of strays) await store.put(key, Buffer.from('stray'));
    assert.deepEqual((await stack.json<{ objects: string[] }>(['gc', '--dry-run'])).objects, [], 'young objects stay');
    const { objects } = await stack.json<{ objects: string[] }>(['gc', '--older-than', '0']);
    for (const key of strays) assert.ok(objects.includes(key), `${key} was collected`);
    assert.equal(objects.length, strays.length, `nothing else is garbage: ${objects.join(', ')}`);

    for (const id of ['undisturbed', 'undisturbed-r2', 'cancelled-r2', 'overtaken'])
      assert.ok(
        (await stack.json<{ artifacts: { problem: string | null }[] }>(['verify', id])).artifacts.every(
          ({ problem }) => problem === null,
        ),
      );
    const checkpoints: string[] = [];
    for await (const { key } of store.list('runs/local/undisturbed/checkpoints/'))
      checkpoints.push(key.split('/')[4]!.slice(0, 8));
    const kept = [...new Set(checkpoints)];
    assert.ok(kept.length >= 2 && kept.length <= 3, `the last two and the best: ${kept.join(', ')}`);

    const manifest = await store.read('runs/local/undisturbed/manifest.json');
    await store.put(
      'runs/local/undisturbed/manifest.json',
      Buffer.from(manifest!.body.toString('utf8').replace(/"step":(\d)/, (_, digit) => `"step":${9 - Number(digit)}`)),
    );
    const { code, stderr } = await stack.rapt('verify', 'undisturbed');
    assert.deepEqual([code, /was damaged/.test(stderr)], [1, true], stderr);
  },
);

test(
  'a run of a version that no worker runs any more says so, and is resumed on the current one',
  { timeout: 400_000 },
  async () => {
    const gpu = await stack.pidOf('gpu');
    process.kill(gpu, 'SIGSTOP');
    await start('old');
    await probe.until('old', 'train', () => true);
    process.kill(await stack.pidOf('control'), 'SIGKILL');
    const control = spawn(process.execPath, [PROGRAM, 'worker', 'control', '--build-id', 'newer'], {
      env: stack.environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await new Promise<void>((resolve) =>
        control.stdout.on('data', (chunk: Buffer) => chunk.includes('ready') && resolve()),
      );
      process.kill(gpu, 'SIGCONT');
      const poller = await eventually('the worker that is gone is missed', 90_000, async () => {
        const { stderr, code } = await stack.rapt('resume', 'old');
        return code === 0 &&
          /belongs to version [0-9a-f]{12} of the workflows, which no worker runs any more/.test(stderr)
          ? stderr
          : sleep(2000).then(() => null);
      });
      assert.match(poller, /it was ended/);
      assert.equal((await result('old-r2')).adapter.sha256, undisturbed.adapter.sha256);
    } finally {
      control.kill('SIGTERM');
      await new Promise((resolve) => control.once('exit', resolve));
    }
  },
);
