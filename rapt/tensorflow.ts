/** The one place where TensorFlow is loaded, so that its settings stand before the library starts. */
import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';

process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';

// The package is CommonJS and its ESM namespace hides the tensor operations behind `default`.
export const tf = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as typeof TensorFlow;

/** tf.tidy for results of any shape: what is returned lives on, every other tensor made inside is freed. */
export const tidy = <T>(body: () => T): T =>
  // The library's own type asks for an index signature, which interfaces do not have; it walks any object.
  tf.tidy(body as () => TensorFlow.TensorContainer) as T;

export type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
