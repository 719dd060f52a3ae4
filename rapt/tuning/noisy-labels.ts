/** The task loss when training labels were drawn by randomized response with known chances: p that a label stayed, q
 *  for each other class. */
import { tf, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import type { LabelNoise, TuningOptions } from '../../contracts/index.ts';
import { softmaxCrossEntropy, softmaxLoss, type SoftmaxLoss } from './heads.ts';

export type TaskLoss = (logits: Tensor2D, targets: Int32Array) => SoftmaxLoss;

/** The loss of a training. @param noise null for true labels. */
export function taskLoss(correction: TuningOptions['labelCorrection'], noise: LabelNoise | null): TaskLoss {
  if (noise === null || correction === 'none') return softmaxCrossEntropy;
  return correction === 'unbiased'
    ? (logits, targets) => unbiasedLoss(logits, targets, noise)
    : (logits, targets) => forwardLoss(logits, targets, noise);
}

/** An unbiased estimate of the cross-entropy against the true labels (Natarajan, Dhillon, Ravikumar and Tewari, NeurIPS
 *  2013; "backward correction" of Patrini et al., CVPR 2017): the loss of the drawn label z is the row z of T^-1
 *  applied to the losses of all classes, T being the matrix of the draw. T = (p - q) I + q 11', and p - q + k q = 1, so
 *  T^-1 = (I - q 11') / (p - q) and the loss is sum over j of c_j (-log s_j) with c_j = (1[j = z] - q) / (p - q). The
 *  c_j sum to 1, so the gradient is softmax - c. Some c_j are negative: the loss has no lower bound. */
function unbiasedLoss(logits: Tensor2D, targets: Int32Array, { keep, flip }: LabelNoise): SoftmaxLoss {
  return softmaxLoss(logits, targets, (logP, oneHot) => {
    const c = tf.div<Tensor2D>(tf.sub(oneHot, flip), keep - flip);
    return { losses: tf.neg(tf.sum(tf.mul(c, logP), 1)), gradients: tf.sub(tf.exp(logP), c) };
  });
}

/** The cross-entropy of the drawn label under the model's own prediction of the draw ("forward correction", Patrini et
 *  al., CVPR 2017, theorem 2: its minimizer is that of the true labels): -log r, r = q + (p - q) s_z. The gradient is
 *  -(p - q) s_z / r (1[j = z] - s_j). */
function forwardLoss(logits: Tensor2D, targets: Int32Array, { keep, flip }: LabelNoise): SoftmaxLoss {
  return softmaxLoss(logits, targets, (logP, oneHot) => {
    const s = tf.exp<Tensor2D>(logP);
    const own = tf.sum<Tensor2D>(tf.mul(s, oneHot), 1, true);
    const r = tf.add<Tensor2D>(tf.mul(own, keep - flip), flip);
    const factor = tf.div<Tensor2D>(tf.mul(own, flip - keep), r);
    return { losses: tf.neg(tf.squeeze<Tensor1D>(tf.log(r), [1])), gradients: tf.mul(factor, tf.sub(oneHot, s)) };
  });
}
