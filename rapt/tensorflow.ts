/** The one place where TensorFlow is loaded, so that its settings stand before the library starts. */
import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { SETUP_COMMAND } from '../system/index.ts';
import { prepareTensorflow } from './tensorflow-start.ts';
import type { Work } from './turns.ts';

/** The parts of the package that are written in JavaScript. */
const PARTS = ['tfjs-core', 'tfjs-layers', 'tfjs-converter', 'tfjs'] as const;

let library: typeof TensorFlow | undefined;

/** TensorFlow, loaded at its first use: that takes half a second, and most commands need nothing of it. */
export const tf = new Proxy({} as typeof TensorFlow, {
  get: (_, name) => (library ??= loaded())[name as keyof typeof TensorFlow],
});

/** Loads TensorFlow in stretches, beside other work. @throws RaptError as the first use of `tf`. */
export function* loadingTensorflow(): Work<void> {
  if (library !== undefined) return;
  const requireHere = createRequire(import.meta.url);
  for (const part of PARTS) {
    readAhead(requireHere, part);
    yield;
  }
  library ??= loaded();
  yield;
}

/** Loads a part of the package. An error is passed over here: it comes again when the whole package is loaded. */
function readAhead(requireHere: NodeJS.Require, part: (typeof PARTS)[number]): void {
  try {
    createRequire(requireHere.resolve('@tensorflow/tfjs-node-gpu/package.json'))(`@tensorflow/${part}`);
  } catch {
    return;
  }
}

// The package is CommonJS and its ESM namespace hides the tensor operations behind `default`.
function loaded(): typeof TensorFlow {
  // Not called "require": built as CommonJS, `import.meta.url` is written with the module's own `require`.
  const requireHere = createRequire(import.meta.url);
  try {
    prepareTensorflow(requireHere);
    return requireHere('@tensorflow/tfjs-node-gpu') as typeof TensorFlow;
  } catch (cause) {
    throw new RaptError(
      ErrorKind.notFound,
      "TensorFlow's binding to Node is not in place, since it is compiled on each machine; run " +
        `\`${SETUP_COMMAND}\` once`,
      { cause },
    );
  }
}

/** Whether products are computed on a GPU, which has a memory of its own. Only the library's own backend has the
 *  property. */
export const usesGpu = (): boolean => (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;

/** tf.tidy for results of any shape: the tensors that are returned live on, and all others made inside are freed. */
export const tidy = <T>(body: () => T): T =>
  // The library walks any object, but its type asks for an index signature, which interfaces do not have.
  tf.tidy(body as () => TensorFlow.TensorContainer) as T;

/** Frees every tensor in a structure of any shape. */
export const free = (tensors: object): void => tf.dispose(tensors as TensorFlow.TensorContainer);

export type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
