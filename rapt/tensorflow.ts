/** The one place where TensorFlow is loaded, so that its settings stand before the library starts. */
import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { SETUP_COMMAND } from '../system/index.ts';

process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';

let library: typeof TensorFlow | undefined;

/** Loaded at its first use: most commands need none of it, it takes half a second, and on some processors it prints a line about its build. */
export const tf = new Proxy({} as typeof TensorFlow, { get: (_, name) => (library ??= loaded())[name as keyof typeof TensorFlow] });

// The package is CommonJS and its ESM namespace hides the tensor operations behind `default`.
function loaded(): typeof TensorFlow {
  try {
    return createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as typeof TensorFlow;
  } catch (cause) {
    throw new RaptError(ErrorKind.notFound, `TensorFlow's binding to Node is not in place, since it is compiled on each machine; run \`${SETUP_COMMAND}\` once`, { cause });
  }
}

/** tf.tidy for results of any shape: what is returned lives on, every other tensor made inside is freed. */
export const tidy = <T>(body: () => T): T =>
  // The library's own type asks for an index signature, which interfaces do not have; it walks any object.
  tf.tidy(body as () => TensorFlow.TensorContainer) as T;

/** Frees every tensor in a structure of any shape. */
export const free = (tensors: object): void => tf.dispose(tensors as TensorFlow.TensorContainer);

export type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
