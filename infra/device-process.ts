/** Loads TensorFlow and prints on what it runs, as one line of JSON. This is a process of its own, since TensorFlow
 *  gives a GPU's memory back only when its process ends. */
import { tf } from '../rapt/tensorflow.ts';

// The back end of TensorFlow's own package has more properties than its type says.
const backend = tf.backend() as unknown as {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
};
process.stdout.write(`${JSON.stringify({ usesGpu: backend.isUsingGpuDevice, version: backend.binding.TF_Version })}\n`);
