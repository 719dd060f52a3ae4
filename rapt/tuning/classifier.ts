/** What an adapter answers: a class for each row, batch by batch. */
import { tf, tidy, type Tensor2D } from '../tensorflow.ts';
import type { Encoder, FrameIds, VirtualTokens } from '../backbone/index.ts';
import { layOut, sequenceLength, type Examples } from './examples.ts';
import { classify, reconstruct } from './heads.ts';
import { device1d, device2d, plainStates, scoped } from './joint-loss.ts';
import { sortedBatches } from './batch-order.ts';
import { PARAMETER, type Parameters } from './parameters.ts';
import { poolStates, type Pooling } from './pooling.ts';
import { disposeVirtualTokens, toVirtualTokens, type VirtualTokenMethod } from './virtual-tokens.ts';

export interface Classified {
  /** Predicted class of each row, in the order of the examples. */
  readonly predicted: Int32Array;
  /** Softmax probability of that class. */
  readonly probability: Float32Array;
  /** Before the softmax, [rows, classes]. */
  readonly logits: Float32Array;
  /** Plain tokens reconstructed, when the parameters still hold the reconstruction head. */
  readonly reconstruction: { readonly correct: number; readonly n: number } | null;
}

/** Classifies every row.
 *  @param parameters of an adapter, or of a checkpoint with the reconstruction head.
 *  @param o.batchSize rows that go through the model together.
 *  @param o.onRows called after each batch with the number of rows that are done. */
export function classifyExamples(
  encoder: Encoder,
  parameters: Parameters,
  method: VirtualTokenMethod,
  examples: Examples,
  frame: FrameIds,
  o: { pooling?: Pooling; batchSize?: number; onRows?: (done: number) => void } = {},
): Classified {
  const { pooling = 'mean', batchSize = 64, onRows } = o;
  const lengths = Int32Array.from({ length: examples.count }, (_, row) => sequenceLength(examples, row, frame));
  const predicted = new Int32Array(examples.count);
  const probability = new Float32Array(examples.count);
  const classes = parameters[PARAMETER.headBias]!.values.length;
  const logits = new Float32Array(examples.count * classes);
  const withReconstruction = examples.plain !== null && parameters[PARAMETER.reconstructionW1] !== undefined;
  let reconstructed = 0;
  let plainTokens = 0;
  let done = 0;
  const virtual = toVirtualTokens(method, parameters[PARAMETER.virtualTokens]!, encoder.config);
  try {
    for (const indices of sortedBatches(lengths, batchSize)) {
      const answer = classifyBatch(encoder, parameters, virtual, examples, frame, indices, pooling, withReconstruction);
      indices.forEach((row, place) => {
        predicted[row] = answer.predicted[place]!;
        probability[row] = answer.probability[place]!;
        logits.set(answer.logits.subarray(place * classes, (place + 1) * classes), row * classes);
      });
      reconstructed += answer.reconstructed;
      plainTokens += answer.plainTokens;
      done += indices.length;
      onRows?.(done);
    }
  } finally {
    disposeVirtualTokens(virtual);
  }
  return {
    predicted,
    probability,
    logits,
    reconstruction: withReconstruction ? { correct: reconstructed, n: plainTokens } : null,
  };
}

function classifyBatch(
  encoder: Encoder,
  parameters: Parameters,
  virtual: VirtualTokens,
  examples: Examples,
  frame: FrameIds,
  indices: Int32Array,
  pooling: Pooling,
  withReconstruction: boolean,
): {
  predicted: ArrayLike<number>;
  probability: ArrayLike<number>;
  logits: Float32Array;
  reconstructed: number;
  plainTokens: number;
} {
  const batch = layOut(examples, indices, frame);
  const promptLength = virtual.prompt?.shape[0] ?? 0;
  return scoped((own) => {
    const hidden = own(encoder.encode(batch, virtual));
    const head = {
      weight: own(device2d(parameters[PARAMETER.headWeight]!)),
      bias: own(device1d(parameters[PARAMETER.headBias]!)),
    };
    const scores = own(
      tidy(() => classify(poolStates(pooling, encoder, batch, hidden, (tensor) => tensor).pooled, head)),
    );
    const probabilities = own(tf.softmax<Tensor2D>(scores));
    const predicted = own(tf.argMax(probabilities, 1)).dataSync();
    const probability = own(tf.max(probabilities, 1)).dataSync();
    const logits = scores.dataSync<'float32'>();
    if (!withReconstruction) return { predicted, probability, logits, reconstructed: 0, plainTokens: 0 };
    const rec = {
      w1: own(device2d(parameters[PARAMETER.reconstructionW1]!)),
      w2: own(device2d(parameters[PARAMETER.reconstructionW2]!)),
    };
    const answers = own(
      tidy(() => tf.argMax(reconstruct(plainStates(hidden, promptLength, batch.plainLength), rec).logits, 1)),
    ).dataSync();
    let reconstructed = 0;
    for (let i = 0; i < answers.length; i++) if (answers[i] === batch.plainTargets![i]) reconstructed++;
    return { predicted, probability, logits, reconstructed, plainTokens: answers.length };
  });
}
