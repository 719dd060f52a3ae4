/** Loads TensorFlow and tells on what it runs, as one line of JSON. In a process of its own: a GPU's memory that
 *  TensorFlow has taken comes back only with the end of a process. */
import { tf } from '../rapt/tensorflow.ts';

// What TensorFlow's own package calls its back end has more than the type says.
const backend = tf.backend() as unknown as {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
};
process.stdout.write(`${JSON.stringify({ usesGpu: backend.isUsingGpuDevice, version: backend.binding.TF_Version })}\n`);
