/** One vector of each sequence for the classification head, and the way back, by hand. */
import type { TuningOptions } from '../../contracts/index.ts';
import { dense, denseBackward, type Encoder } from '../backbone/index.ts';
import { tf, tidy, type Tensor, type Tensor2D, type Tensor3D } from '../tensorflow.ts';
import type { Batch } from './examples.ts';
import { pool, poolBackward } from './heads.ts';

export type Pooling = TuningOptions['pooling'];

export interface Pooled {
  /** [batch, hidden] */
  readonly pooled: Tensor2D;
  /** The gradient of the hidden states: [batch, hidden] -> [batch, prompt + seq, hidden]; the caller disposes of it. */
  readonly backward: (dPooled: Tensor2D) => Tensor3D;
}

/** @param hidden [batch, prompt + seq, hidden]. @param own marks tensors that live until the batch is done. @throws
 *  BadInput as `Encoder.pooler`. */
export function poolStates(
  pooling: Pooling,
  encoder: Encoder,
  batch: Batch,
  hidden: Tensor3D,
  own: <T extends Tensor>(tensor: T) => T,
): Pooled {
  const [rows, seq, size] = hidden.shape;
  if (pooling === 'mean') {
    const weights = own(poolingWeights(batch, seq - batch.seq)); //  [batch, 1, prompt + seq]
    return { pooled: own(pool(weights, hidden)), backward: (dPooled) => poolBackward(weights, dPooled) };
  }
  const { pooler } = encoder;
  // The very first position, as BERT's own pooler reads it: [CLS], or the first virtual token where a soft prompt
  // stands before it.
  const pooled = own(
    tidy(() =>
      tf.tanh<Tensor2D>(dense(tf.reshape(tf.slice(hidden, [0, 0, 0], [rows, 1, size]), [rows, size]), pooler)),
    ),
  );
  const backward = (dPooled: Tensor2D): Tensor3D =>
    tidy(() => {
      const dFirst = denseBackward(tf.mul<Tensor2D>(dPooled, tf.sub(1, tf.square(pooled))), pooler);
      return tf.pad<Tensor3D>(tf.reshape(dFirst, [rows, 1, size]), [
        [0, 0],
        [0, seq - 1],
        [0, 0],
      ]);
    });
  return { pooled, backward };
}

/** [batch, 1, prompt + seq]; a soft prompt is not pooled. */
function poolingWeights({ poolingWeights: weights, batch, seq }: Batch, promptLength: number): Tensor3D {
  if (promptLength === 0) return tf.tensor3d(weights, [batch, 1, seq]);
  const width = promptLength + seq;
  const padded = new Float32Array(batch * width);
  for (let row = 0; row < batch; row++)
    padded.set(weights.subarray(row * seq, (row + 1) * seq), row * width + promptLength);
  return tf.tensor3d(padded, [batch, 1, width]);
}
