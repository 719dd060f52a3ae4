/** The two heads on the frozen model's hidden states, with gradients derived by hand. */
import { tf, tidy, type Tensor1D, type Tensor2D, type Tensor3D } from '../tensorflow.ts';

export interface SoftmaxLoss {
  /** Sum of the rows' losses. */
  readonly lossSum: number;
  readonly correct: number;
  /** d(mean loss)/d(logits), [rows, classes]; the caller disposes of it. */
  readonly dLogits: Tensor2D;
}

/** Cross-entropy of softmax(logits) against target classes. logits [rows, classes] */
export function softmaxCrossEntropy(logits: Tensor2D, targets: Int32Array): SoftmaxLoss {
  return softmaxLoss(logits, targets, (logP, oneHot) => ({
    losses: tf.neg(tf.sum(tf.mul(logP, oneHot), 1)),
    gradients: tf.sub(tf.exp(logP), oneHot),
  }));
}

/** A loss of softmax(logits). @param ofRows of log p and the targets as one-hot rows, both [rows, classes], each row's
 *  loss and its gradient with respect to the logits. */
export function softmaxLoss(
  logits: Tensor2D,
  targets: Int32Array,
  ofRows: (logP: Tensor2D, oneHot: Tensor2D) => { losses: Tensor1D; gradients: Tensor2D },
): SoftmaxLoss {
  const [rows, classes] = logits.shape;
  const { losses, answers, dLogits } = tidy(() => {
    const row = ofRows(tf.logSoftmax<Tensor2D>(logits), tf.oneHot(tf.tensor1d(targets, 'int32'), classes) as Tensor2D);
    return {
      losses: row.losses,
      answers: tf.argMax<Tensor1D>(logits, 1),
      dLogits: tf.mul<Tensor2D>(row.gradients, 1 / rows),
    };
  });
  const lossSum = sum(losses.dataSync());
  const answered = answers.dataSync();
  losses.dispose();
  answers.dispose();
  let correct = 0;
  for (let row = 0; row < rows; row++) if (answered[row] === targets[row]) correct++;
  return { lossSum, correct, dLogits };
}

/** Weighted mean of hidden states: weights [batch, 1, seq], hidden [batch, seq, hidden] -> [batch, hidden]. */
export function pool(weights: Tensor3D, hidden: Tensor3D): Tensor2D {
  return tidy(() => tf.squeeze<Tensor2D>(tf.matMul(weights, hidden), [1]));
}

/** dHidden = weights^T dPooled: [batch, 1, seq], [batch, hidden] -> [batch, seq, hidden] */
export function poolBackward(weights: Tensor3D, dPooled: Tensor2D): Tensor3D {
  return tidy(() => tf.matMul<Tensor3D>(weights, tf.expandDims<Tensor3D>(dPooled, 1), true, false));
}

export interface LinearHead {
  readonly weight: Tensor2D;
  readonly bias: Tensor1D;
}

/** x [rows, hidden] -> logits [rows, classes] */
export const classify = (x: Tensor2D, { weight, bias }: LinearHead): Tensor2D =>
  tidy(() => tf.add<Tensor2D>(tf.matMul(x, weight, false, true), bias));

export interface LinearHeadGradients {
  readonly dx: Tensor2D;
  readonly dWeight: Tensor2D;
  readonly dBias: Tensor1D;
}

export const classifyBackward = (dLogits: Tensor2D, x: Tensor2D, { weight }: LinearHead): LinearHeadGradients => ({
  dx: tf.matMul(dLogits, weight),
  dWeight: tf.matMul(dLogits, x, true, false),
  dBias: tf.sum(dLogits, 0),
});

/** RAPT's reconstruction head (arXiv 2305.06212, section 4): logits = W1 W2 g. */
export interface ReconstructionHead {
  /** [bottleneck, hidden] */
  readonly w2: Tensor2D;
  /** [|T|, bottleneck] */
  readonly w1: Tensor2D;
}

/** g [rows, hidden] -> code [rows, bottleneck], logits [rows, |T|] */
export function reconstruct(g: Tensor2D, { w1, w2 }: ReconstructionHead): { code: Tensor2D; logits: Tensor2D } {
  const code = tf.matMul<Tensor2D>(g, w2, false, true);
  return { code, logits: tf.matMul(code, w1, false, true) };
}

export interface ReconstructionGradients {
  readonly dg: Tensor2D;
  readonly dW1: Tensor2D;
  readonly dW2: Tensor2D;
}

export function reconstructBackward(
  dLogits: Tensor2D,
  code: Tensor2D,
  g: Tensor2D,
  { w1, w2 }: ReconstructionHead,
): ReconstructionGradients {
  return tidy(() => {
    const dCode = tf.matMul<Tensor2D>(dLogits, w1);
    return {
      dg: tf.matMul<Tensor2D>(dCode, w2),
      dW1: tf.matMul<Tensor2D>(dLogits, code, true, false),
      dW2: tf.matMul<Tensor2D>(dCode, g, true, false),
    };
  });
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
