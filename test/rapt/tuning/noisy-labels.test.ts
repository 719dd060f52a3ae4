import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomizedResponse } from '../../../rapt/privacy/index.ts';
import { tf } from '../../../rapt/tensorflow.ts';
import { softmaxCrossEntropy } from '../../../rapt/tuning/heads.ts';
import { taskLoss, type TaskLoss } from '../../../rapt/tuning/noisy-labels.ts';

const LOGITS = [
  [2, -1, 0.5, 0],
  [-0.3, 0.1, 1.5, -2],
  [0, 0, 0, 3],
];
const TRUE_LABELS = [0, 2, 1];
const CLASSES = 4;
const { noise } = new RandomizedResponse(1, CLASSES);

const evaluate = (loss: TaskLoss, logits: readonly number[][], labels: readonly number[]) => {
  const { lossSum, dLogits, correct } = loss(
    tf.tensor2d(logits.flat(), [logits.length, logits[0]!.length]),
    Int32Array.from(labels),
  );
  return { lossSum, correct, gradient: [...dLogits.dataSync()] };
};

test('averaged over all draws of the labels, the unbiased loss and its gradient are those of the true labels', () => {
  const plain = evaluate(softmaxCrossEntropy, LOGITS, TRUE_LABELS);
  let loss = 0;
  const gradient = new Array<number>(LOGITS.length * CLASSES).fill(0);
  for (let draw = 0; draw < CLASSES ** 3; draw++) {
    const labels = [draw % 4, Math.floor(draw / 4) % 4, Math.floor(draw / 16)];
    const chance = labels.reduce(
      (product, label, row) => product * (label === TRUE_LABELS[row] ? noise.keep : noise.flip),
      1,
    );
    const one = evaluate(taskLoss('unbiased', noise), LOGITS, labels);
    loss += chance * one.lossSum;
    one.gradient.forEach((value, at) => (gradient[at]! += chance * value));
  }
  assert.ok(Math.abs(loss - plain.lossSum) < 1e-4, `${loss} against ${plain.lossSum}`);
  gradient.forEach((value, at) => assert.ok(Math.abs(value - plain.gradient[at]!) < 1e-5, `logit ${at}`));
});

test('the uncorrected loss is biased, and the check would see it', () => {
  const expected = TRUE_LABELS.reduce((sum, truth, row) => {
    const of = (label: number): number => evaluate(softmaxCrossEntropy, [LOGITS[row]!], [label]).lossSum;
    return (
      sum + [0, 1, 2, 3].reduce((mean, label) => mean + (label === truth ? noise.keep : noise.flip) * of(label), 0)
    );
  }, 0);
  assert.ok(Math.abs(expected - evaluate(softmaxCrossEntropy, LOGITS, TRUE_LABELS).lossSum) > 0.1);
});

for (const correction of ['unbiased', 'forward', 'none'] as const)
  test(`the gradient of the loss with correction "${correction}" is that of finite differences`, () => {
    const loss = taskLoss(correction, noise);
    const labels = [3, 2, 0];
    const { gradient, correct } = evaluate(loss, LOGITS, labels);
    assert.equal(correct, 1, 'told of the drawn labels');
    for (let at = 0; at < gradient.length; at++) {
      const moved = (by: number): number[][] =>
        LOGITS.map((row, r) => row.map((value, c) => (r * CLASSES + c === at ? value + by : value)));
      const difference =
        (evaluate(loss, moved(1e-2), labels).lossSum - evaluate(loss, moved(-1e-2), labels).lossSum) /
        2e-2 /
        LOGITS.length;
      assert.ok(Math.abs(difference - gradient[at]!) < 1e-3, `logit ${at}: ${gradient[at]!} against ${difference}`);
    }
  });

test('the forward loss is least where the prediction is the true chance of each class', () => {
  // A text that is of class 0 with chance 0.8: the drawn label's chance of each class follows.
  const truth = [0.8, 0.2];
  const binary = new RandomizedResponse(1, 2).noise;
  const drawn = truth.map((chance) => chance * binary.keep + (1 - chance) * binary.flip);
  const expected = (p: number): number =>
    drawn.reduce(
      (sum, chance, label) =>
        sum + chance * evaluate(taskLoss('forward', binary), [[Math.log(p / (1 - p)), 0]], [label]).lossSum,
      0,
    );
  const grid = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const best = grid.reduce((least, p) => (expected(p) < expected(least) ? p : least));
  assert.ok(Math.abs(best - 0.8) < 0.02, `least at ${best}`);
});

test('labels that are what they were are trained on as ever', () => {
  assert.equal(taskLoss('unbiased', null), softmaxCrossEntropy);
  assert.equal(taskLoss('none', noise), softmaxCrossEntropy);
});
