import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ErrorKind, RaptError, type Sha256, type TuningOptions } from '../../../contracts/index.ts';
import { encodeCheckpoint, type Checkpoint } from '../../../rapt/tuning/checkpoint.ts';
import { classifyExamples, readCheckpoint, type Examples } from '../../../rapt/tuning/index.ts';
import { epochBatches } from '../../../rapt/tuning/batch-order.ts';
import { Trainer } from '../../../rapt/tuning/trainer.ts';
import { PLAIN_VOCABULARY, firstParameters, options, tinyExamples, tinySetup } from './fixtures.ts';

const { encoder, frame, remove } = tinySetup();
after(remove);

const DIGEST = 'd'.repeat(64) as Sha256;
const RECONSTRUCTION = { bottleneck: 6, vocabularySize: PLAIN_VOCABULARY, plainTokens: 3, weight: 0.5 };
const TUNING = options({
  method: 'prefix',
  length: 4,
  epochs: 4,
  batchSize: 8,
  learningRate: 0.02,
  headLearningRate: 0.02,
  reconstruction: RECONSTRUCTION,
});
const EXAMPLES = tinyExamples(60);

function trainer(o: { tuning?: TuningOptions; examples?: Examples; checkpoint?: Checkpoint } = {}): Trainer {
  const { tuning = TUNING, examples = EXAMPLES, checkpoint } = o;
  return new Trainer({
    encoder,
    examples,
    frame,
    options: tuning,
    trainingDigest: DIGEST,
    parameters: checkpoint?.parameters ?? firstParameters(encoder, tuning),
    ...(checkpoint ? { resume: checkpoint } : {}),
  });
}

async function finish(run: Trainer): Promise<Trainer> {
  while (run.step < run.totalSteps) await run.next();
  return run;
}

for (const method of ['prefix', 'prompt'] as const)
  test(`two equal ${method} trainings give the same bytes, and another seed gives others`, async () => {
    const tuning = options({ ...TUNING, method });
    const [first, second] = [await finish(trainer({ tuning })), await finish(trainer({ tuning }))];
    assert.deepEqual(encodeCheckpoint(first), encodeCheckpoint(second));
    const other = await finish(trainer({ tuning: { ...tuning, seed: 1 } }));
    assert.notDeepEqual(encodeCheckpoint(first)['weights.safetensors'], encodeCheckpoint(other)['weights.safetensors']);
  });

test('stopping after any step and resuming from the files equals not stopping, bit for bit', async () => {
  const whole = encodeCheckpoint(await finish(trainer()));
  const folder = mkdtempSync(join(tmpdir(), 'rapt-resume-'));
  try {
    for (const stop of [1, 7, 8, 9, 31]) {
      const stopped = trainer();
      while (stopped.step < stop) await stopped.next();
      for (const [file, bytes] of Object.entries(encodeCheckpoint(stopped))) writeFileSync(join(folder, file), bytes);
      assert.deepEqual(
        encodeCheckpoint(await finish(trainer({ checkpoint: readCheckpoint(folder) }))),
        whole,
        `stopped at step ${stop}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a resume that lacks the optimizer moments is noticed: its bytes differ', async () => {
  const whole = encodeCheckpoint(await finish(trainer()));
  const stopped = trainer();
  while (stopped.step < 9) await stopped.next();
  for (const { values } of Object.values(stopped.moments)) values.fill(0);
  assert.notDeepEqual(encodeCheckpoint(await finish(stopped)), whole);
});

test('training learns the classes and the plain tokens', async () => {
  const run = await finish(
    trainer({ tuning: options({ ...TUNING, epochs: 20, batchSize: 16 }), examples: tinyExamples(400) }),
  );
  const history = run.state().history;
  const [start, end] = [history[0]!, history.at(-1)!];
  assert.ok(end.taskLoss < start.taskLoss * 0.6, `task loss ${start.taskLoss} -> ${end.taskLoss}`);
  assert.ok(
    end.reconstructionLoss! < start.reconstructionLoss! * 0.8,
    `reconstruction ${start.reconstructionLoss} -> ${end.reconstructionLoss}`,
  );
  const held = tinyExamples(200, { seed: 2 });
  const answer = classifyExamples(encoder, run.parameters, 'prefix', held, frame);
  const accuracy = answer.predicted.filter((predicted, row) => predicted === held.labels![row]).length / held.count;
  assert.ok(accuracy > 0.7, `accuracy ${accuracy} on held-out rows, a third by chance`);
  assert.equal(answer.reconstruction!.n, 600);
  assert.ok(
    answer.reconstruction!.correct / answer.reconstruction!.n > 3 / PLAIN_VOCABULARY,
    'held-out plain tokens are reconstructed above chance',
  );
});

test('without reconstruction nothing of its head is trained or kept', async () => {
  const run = await finish(
    trainer({ tuning: options({ ...TUNING, reconstruction: false }), examples: tinyExamples(60, { plain: 0 }) }),
  );
  assert.deepEqual(Object.keys(run.parameters).sort(), ['classifier.bias', 'classifier.weight', 'prompt_embeddings']);
  assert.equal(run.state().history.at(-1)!.reconstructionLoss, null);
});

test('every epoch sees every row once, in batches of like length, in an order of its own', () => {
  const lengths = Int32Array.from({ length: 1003 }, (_, row) => 5 + ((row * 7919) % 60));
  const epochs = [0, 1].map((epoch) => epochBatches(lengths, 32, 7, epoch));
  for (const batches of epochs) {
    assert.equal(batches.length, 32);
    assert.deepEqual(
      batches.flatMap((batch) => [...batch]).sort((a, b) => a - b),
      [...lengths.keys()],
    );
    const padded = batches.reduce(
      (sum, batch) => sum + batch.length * Math.max(...batch.map((row) => lengths[row]!)),
      0,
    );
    assert.ok(padded < 1.1 * lengths.reduce((sum, length) => sum + length, 0), 'padding stays below a tenth');
  }
  assert.notDeepEqual(epochs[0], epochs[1]);
  assert.deepEqual(epochBatches(lengths, 32, 7, 1), epochs[1]);
});

test('a loss that is no longer a number ends training, names the step, and leaves the last good weights', async () => {
  const run = trainer();
  await run.next();
  const before = encodeCheckpoint(run);
  run.parameters['classifier.bias']!.values[0] = NaN;
  await assert.rejects(run.next(), (error: unknown) => {
    assert.ok(error instanceof RaptError);
    assert.equal(error.kind, ErrorKind.diverged);
    assert.match(error.message, /step 2\b.*learningRate/);
    return true;
  });
  assert.equal(run.step, 1);
  assert.deepEqual(encodeCheckpoint(run)['state.json'], before['state.json']);
});
