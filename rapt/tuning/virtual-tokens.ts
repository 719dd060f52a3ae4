import { tf, tidy, type Tensor, type Tensor2D, type Tensor4D } from '../tensorflow.ts';
import type { FloatTensor } from '../safetensors.ts';
import type { BackboneConfig, LayerPrefix, VirtualTokenGradients, VirtualTokens } from '../backbone/index.ts';

export type VirtualTokenMethod = 'prompt' | 'prefix';

/** Puts the trained values on the device in the form that the encoder takes. The caller frees them by
 *  `disposeVirtualTokens`. A prefix [length, layers * 2 * hidden] is read as PEFT reads it: [length, layers * 2, heads,
 *  head size], keys before values. */
export function toVirtualTokens(
  method: VirtualTokenMethod,
  { shape, values }: FloatTensor,
  config: BackboneConfig,
): VirtualTokens {
  const matrix = tf.tensor2d(values, shape as [number, number]);
  if (method === 'prompt') return { prompt: matrix };
  const { layers, heads, hiddenSize } = config;
  const parts = tidy(() => {
    const split = tf.reshape(matrix, [shape[0]!, layers * 2, heads, hiddenSize / heads]);
    return tf.unstack(tf.transpose(split, [1, 2, 0, 3])); //  layers * 2 of [heads, length, head size]
  });
  matrix.dispose();
  return {
    prefix: Array.from({ length: layers }, (_, layer) => ({ keys: parts[2 * layer]!, values: parts[2 * layer + 1]! })),
  };
}

/** The encoder's gradients in the layout of the trained values; frees the gradients. */
export async function fromGradients(gradients: VirtualTokenGradients, shape: readonly number[]): Promise<FloatTensor> {
  const matrix = gradients.prompt ?? mergePrefix(gradients.prefix!, shape);
  gradients.prefix?.forEach(disposePrefix);
  const values = (await matrix.data()) as Float32Array;
  matrix.dispose();
  return { shape, values };
}

function mergePrefix(prefix: readonly LayerPrefix[], shape: readonly number[]): Tensor2D {
  return tidy(() => {
    const parts: Tensor[] = prefix.flatMap(({ keys, values }) => [keys, values]);
    const stacked = tf.stack(parts) as Tensor4D; //  [layers * 2, heads, length, head size]
    return tf.reshape(tf.transpose(stacked, [2, 0, 1, 3]), shape as [number, number]);
  });
}

export function disposeVirtualTokens({ prompt, prefix }: VirtualTokens): void {
  prompt?.dispose();
  prefix?.forEach(disposePrefix);
}

function disposePrefix({ keys, values }: LayerPrefix): void {
  keys.dispose();
  values.dispose();
}
