/** The encoder's operations with gradients derived by hand. The weights are frozen, so each backward returns the
 *  gradient of its input alone; automatic differentiation would also compute every weight's gradient and keep every
 *  intermediate. */
import { tf, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D } from '../tensorflow.ts';
import type { Dense, LayerNorm } from './weights.ts';

/** y = x W + b. x [n, in] -> [n, out] */
export function dense(x: Tensor2D, { weight, bias }: Dense): Tensor2D {
  return tf.add(tf.matMul(x, weight), bias);
}

/** dx = dy W^T. dy [n, out] -> [n, in] */
export function denseBackward(dy: Tensor2D, { weight }: Dense): Tensor2D {
  return tf.matMul(dy, weight, false, true);
}

export interface LayerNormState {
  /** (x - mean) / sd, [n, hidden] */
  readonly normalized: Tensor2D;
  /** 1 / sd, [n, 1] */
  readonly inverseDeviation: Tensor2D;
}

/** y = gain * (x - mean(x)) / sqrt(var(x) + eps) + bias, over the last axis (Ba, Kiros, Hinton 2016, eq. 3). x [n,
 *  hidden] */
export function layerNorm(x: Tensor2D, { gain, bias }: LayerNorm, eps: number): { y: Tensor2D; state: LayerNormState } {
  const centred = tf.sub<Tensor2D>(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.square(centred), 1, true);
  const inverseDeviation = tf.rsqrt<Tensor2D>(tf.add(variance, eps));
  const normalized = tf.mul<Tensor2D>(centred, inverseDeviation);
  return { y: tf.add(tf.mul(normalized, gain), bias), state: { normalized, inverseDeviation } };
}

/** With g = dy * gain and n = the normalized input: dx = (g - mean(g) - n * mean(g * n)) / sd, from differentiating
 *  through the mean and the variance. dy [n, hidden] -> [n, hidden] */
export function layerNormBackward(
  dy: Tensor2D,
  { gain }: LayerNorm,
  { normalized, inverseDeviation }: LayerNormState,
): Tensor2D {
  const g = tf.mul(dy, gain);
  const alongNormalized = tf.mul(normalized, tf.mean(tf.mul(g, normalized), 1, true));
  return tf.mul(tf.sub(tf.sub(g, tf.mean(g, 1, true)), alongNormalized), inverseDeviation);
}

export interface GeluState {
  /** Argument of erf, [n, intermediate] */
  readonly u: Tensor2D;
  /** 1 + erf(u) */
  readonly onePlusErf: Tensor2D;
}

/** u (1 + erf u), which is sqrt(2) gelu(sqrt(2) u); the factors sqrt(2) live in the weights before and after. */
export function scaledGelu(u: Tensor2D): { y: Tensor2D; state: GeluState } {
  const onePlusErf = tf.add<Tensor2D>(tf.erf(u), 1);
  return { y: tf.mul(u, onePlusErf), state: { u, onePlusErf } };
}

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** d/du [u (1 + erf u)] = 1 + erf u + u * (2 / sqrt(pi)) exp(-u^2). */
export function scaledGeluBackward(dy: Tensor2D, { u, onePlusErf }: GeluState): Tensor2D {
  const density = tf.mul(tf.exp(tf.neg(tf.square(u))), TWO_OVER_ROOT_PI);
  return tf.mul(dy, tf.add(onePlusErf, tf.mul(u, density)));
}

/** With p = softmax(s): ds = p * (dp - sum(dp * p)) over the last axis. */
export function softmaxBackward(dp: Tensor4D, p: Tensor4D): Tensor4D {
  const weighted = tf.mul(dp, p);
  return tf.sub(weighted, tf.mul(p, tf.sum(weighted, 3, true)));
}

/** [batch * seq, hidden] -> [batch, heads, seq, head size] */
export function splitHeads(x: Tensor2D, batch: number, seq: number, heads: number): Tensor4D {
  return tf.transpose(tf.reshape(x, [batch, seq, heads, x.shape[1] / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, seq, head size] -> [batch * seq, hidden] */
export function mergeHeads(x: Tensor4D): Tensor2D {
  const [batch, heads, seq, size] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch * seq, heads * size]);
}

/** Frees tensors that a later step will not need. */
export function disposeAll(...tensors: readonly (Tensor | Tensor1D | null | undefined)[]): void {
  for (const tensor of tensors) tensor?.dispose();
}
