/** The one place where TensorFlow is loaded, so that its settings stand before the library starts. */
import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { SETUP_COMMAND } from '../system/index.ts';
import { prepareTensorflow } from './tensorflow-start.ts';
import type { Work } from './turns.ts';

/** What the package is made of, all of it JavaScript. */
const PARTS = ['tfjs-core', 'tfjs-layers', 'tfjs-converter', 'tfjs'] as const;

let library: typeof TensorFlow | undefined;

/** Loaded at its first use: most commands need none of it and it takes half a second. */
export const tf = new Proxy({} as typeof TensorFlow, {
  get: (_, name) => (library ??= loaded())[name as keyof typeof TensorFlow],
});

/** The same in stretches, for who has other work beside it. @throws RaptError as the first use. */
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

/** What cannot be read is told where all of it is loaded. */
function readAhead(requireHere: NodeJS.Require, part: (typeof PARTS)[number]): void {
  try {
    createRequire(requireHere.resolve('@tensorflow/tfjs-node-gpu/package.json'))(`@tensorflow/${part}`);
  } catch {
    return;
  }
}

// The package is CommonJS and its ESM namespace hides the tensor operations behind `default`.
function loaded(): typeof TensorFlow {
  // Not by the name "require": as CommonJS, `import.meta.url` is written by means of the module's own.
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

/** Whether products are computed on a GPU, whose memory is another than the machine's. Only the library's own backend
 *  has the property. */
export const usesGpu = (): boolean => (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;

/** tf.tidy for results of any shape: what is returned lives on, every other tensor made inside is freed. */
export const tidy = <T>(body: () => T): T =>
  // The library's own type asks for an index signature, which interfaces do not have; it walks any object.
  tf.tidy(body as () => TensorFlow.TensorContainer) as T;

/** Frees every tensor in a structure of any shape. */
export const free = (tensors: object): void => tf.dispose(tensors as TensorFlow.TensorContainer);

export type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
