import { tf, tidy, type Tensor, type Tensor2D, type Tensor4D } from '../tensorflow.ts';
import {
  dense,
  denseBackward,
  disposeAll,
  layerNorm,
  layerNormBackward,
  mergeHeads,
  scaledGelu,
  scaledGeluBackward,
  softmaxBackward,
  splitHeads,
  type GeluState,
  type LayerNormState,
} from './operations.ts';
import type { LayerWeights } from './weights.ts';

/** Keys and values put before a layer's own, each [heads, prefix, head size]; shared by every row of the batch. */
export interface LayerPrefix {
  readonly keys: Tensor;
  readonly values: Tensor;
}

export interface LayerShape {
  readonly batch: number;
  readonly seq: number;
  readonly heads: number;
  readonly layerNormEps: number;
}

/** What the backward pass of one layer needs; the caller disposes of it by `disposeTape`. */
export interface LayerTape {
  readonly q: Tensor4D;
  readonly k: Tensor4D;
  readonly v: Tensor4D;
  readonly p: Tensor4D;
  readonly attentionNorm: LayerNormState;
  readonly gelu: GeluState;
  readonly outputNorm: LayerNormState;
}

/** One post-norm transformer layer (Vaswani et al. 2017; Devlin et al. 2018). x [batch * seq, hidden]; maskBias [batch,
 *  1, 1, prefix + seq], 0 where attention may look and very negative elsewhere, or null when every row is full. Returns
 *  [batch * seq, hidden] and the tape. */
export function layerForward(
  x: Tensor2D,
  weights: LayerWeights,
  { batch, seq, heads, layerNormEps }: LayerShape,
  maskBias: Tensor4D | null,
  prefix: LayerPrefix | null,
): { y: Tensor2D; tape: LayerTape } {
  return tidy(() => {
    const q = splitHeads(dense(x, weights.query), batch, seq, heads); //  [batch, heads, seq, size]
    //  k and v [batch, heads, prefix + seq, size]
    const k = withPrefix(splitHeads(dense(x, weights.key), batch, seq, heads), prefix?.keys);
    const v = withPrefix(splitHeads(dense(x, weights.value), batch, seq, heads), prefix?.values);

    //  [batch, heads, seq, prefix + seq], scaled by the query weights
    const scores = tf.matMul<Tensor4D>(q, k, false, true);
    const p = tf.softmax<Tensor4D>(maskBias ? tf.add(scores, maskBias) : scores);
    const context = mergeHeads(tf.matMul(p, v)); //  [batch * seq, hidden]

    const attended = layerNorm(tf.add(dense(context, weights.attentionOutput), x), weights.attentionNorm, layerNormEps);
    const gelu = scaledGelu(dense(attended.y, weights.intermediate)); //  [batch * seq, intermediate]
    const out = layerNorm(tf.add(dense(gelu.y, weights.output), attended.y), weights.outputNorm, layerNormEps);
    return { y: out.y, tape: { q, k, v, p, attentionNorm: attended.state, gelu: gelu.state, outputNorm: out.state } };
  });
}

export interface LayerGradients {
  /** [batch * seq, hidden]; null when nobody below needs it. */
  readonly dx: Tensor2D | null;
  /** Each [heads, prefix, head size]; null without prefix. */
  readonly prefix: LayerPrefix | null;
}

/** Gradients of a layer's input and prefix from the gradient of its output. dy [batch * seq, hidden] */
export function layerBackward(
  dy: Tensor2D,
  weights: LayerWeights,
  tape: LayerTape,
  prefixLength: number,
  needInputGradient: boolean,
): LayerGradients {
  return tidy(() => {
    const dOut = layerNormBackward(dy, weights.outputNorm, tape.outputNorm);
    const du = scaledGeluBackward(denseBackward(dOut, weights.output), tape.gelu);
    const dAttended = tf.add<Tensor2D>(denseBackward(du, weights.intermediate), dOut);
    const dSum = layerNormBackward(dAttended, weights.attentionNorm, tape.attentionNorm);

    const [batch, heads, seq] = tape.q.shape;
    const dContext = splitHeads(denseBackward(dSum, weights.attentionOutput), batch, seq, heads);
    const dp = tf.matMul<Tensor4D>(dContext, tape.v, false, true);
    const dv = tf.matMul<Tensor4D>(tape.p, dContext, true, false); //  [batch, heads, prefix + seq, size]
    const dScores = softmaxBackward(dp, tape.p);
    const dk = tf.matMul<Tensor4D>(dScores, tape.q, true, false);
    const prefix =
      prefixLength > 0 ? { keys: prefixPart(dk, prefixLength), values: prefixPart(dv, prefixLength) } : null;
    if (!needInputGradient) return { dx: null, prefix };

    const dq = tf.matMul<Tensor4D>(dScores, tape.k);
    const dx = tf.addN([
      dSum,
      denseBackward(mergeHeads(dq), weights.query),
      denseBackward(mergeHeads(textPart(dk, prefixLength)), weights.key),
      denseBackward(mergeHeads(textPart(dv, prefixLength)), weights.value),
    ]);
    return { dx, prefix };
  });
}

export function disposeTape({ q, k, v, p, attentionNorm, gelu, outputNorm }: LayerTape): void {
  disposeAll(q, k, v, p, gelu.u, gelu.onePlusErf);
  for (const { normalized, inverseDeviation } of [attentionNorm, outputNorm]) disposeAll(normalized, inverseDeviation);
}

/** own [batch, heads, seq, size], prefix [heads, length, size] -> [batch, heads, length + seq, size] */
function withPrefix(own: Tensor4D, prefix: Tensor | undefined): Tensor4D {
  if (!prefix) return own;
  const [batch] = own.shape;
  return tf.concat([tf.tile<Tensor4D>(tf.expandDims(prefix, 0), [batch, 1, 1, 1]), own], 2);
}

/** Every row of the batch shares the prefix, so its gradient is the sum over the batch. */
function prefixPart(d: Tensor4D, length: number): Tensor {
  const [batch, heads, , size] = d.shape;
  return tf.sum(tf.slice(d, [0, 0, 0, 0], [batch, heads, length, size]), 0);
}

function textPart(d: Tensor4D, prefixLength: number): Tensor4D {
  if (prefixLength === 0) return d;
  const [batch, heads, all, size] = d.shape;
  return tf.slice(d, [0, 0, prefixLength, 0], [batch, heads, all - prefixLength, size]);
}
