import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { FloatTensor, FloatTensors } from '../safetensors.ts';
import type { TuningOptions } from '../../contracts/index.ts';
import type { BackboneConfig } from '../backbone/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import { normalValues, seededStream } from './seeded-stream.ts';

/** Names of everything that is trained. The prompt and prefix carry PEFT's name and layout. */
export const PARAMETER = {
  /** Soft prompt [length, embedding] or prefix [length, layers * 2 * hidden]: (layer, key | value, hidden) along the
   *  last axis. */
  virtualTokens: 'prompt_embeddings',
  /** Classification head: logits = pooled W^T + b, W [classes, hidden], b [classes]. */
  headWeight: 'classifier.weight',
  headBias: 'classifier.bias',
  /** Reconstruction head: softmax(W1 W2 g), W2 [bottleneck, hidden], W1 [|T|, bottleneck], no bias, no
   *  non-linearity. */
  reconstructionW2: 'reconstruction.w2',
  reconstructionW1: 'reconstruction.w1',
} as const;
export type ParameterName = (typeof PARAMETER)[keyof typeof PARAMETER];

export type Parameters = Partial<Record<ParameterName, FloatTensor>> & FloatTensors;

/** Deviation of the first prefix values and of the heads' weights, as BERT's own initializer_range. */
const INITIAL_DEVIATION = 0.02;

export interface ParameterShape {
  readonly config: BackboneConfig;
  readonly classes: number;
  /** |T|, or 0 without reconstruction. */
  readonly reconstructionVocabulary: number;
  readonly options: TuningOptions;
  /** Embeddings of public tokens from which a soft prompt starts (Lester et al. 2021, "sampled vocabulary"), [n,
   *  embedding]. */
  readonly promptStart?: Float32Array;
}

/** First values of all parameters, from the run's seed alone. */
export function initialParameters({
  config,
  classes,
  reconstructionVocabulary,
  options,
  promptStart,
}: ParameterShape): Parameters {
  const { hiddenSize, embeddingSize, layers } = config;
  const normal = (name: string, shape: readonly number[], deviation = INITIAL_DEVIATION): FloatTensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { shape, values: normalValues(seededStream(options.seed, name), count, deviation) };
  };
  const virtualShape =
    options.method === 'prompt' ? [options.length, embeddingSize] : [options.length, layers * 2 * hiddenSize];
  const parameters: Record<string, FloatTensor> = {
    [PARAMETER.virtualTokens]:
      options.method === 'prompt' && promptStart
        ? { shape: virtualShape, values: promptStart }
        : normal(PARAMETER.virtualTokens, virtualShape),
    [PARAMETER.headWeight]: normal(PARAMETER.headWeight, [classes, hiddenSize]),
    [PARAMETER.headBias]: { shape: [classes], values: new Float32Array(classes) },
  };
  if (options.reconstruction && reconstructionVocabulary > 0) {
    const { bottleneck } = options.reconstruction;
    parameters[PARAMETER.reconstructionW2] = normal(
      PARAMETER.reconstructionW2,
      [bottleneck, hiddenSize],
      1 / Math.sqrt(hiddenSize),
    );
    parameters[PARAMETER.reconstructionW1] = normal(
      PARAMETER.reconstructionW1,
      [reconstructionVocabulary, bottleneck],
      1 / Math.sqrt(bottleneck),
    );
  }
  return parameters;
}

/** The parameters that an adapter keeps. The reconstruction head, which only helps the training, is thrown away. */
export const adapterParameters = (parameters: Parameters): Parameters =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => !name.startsWith('reconstruction.')));

/** The parameters that `adapterParameters` leaves out: a checkpoint's reconstruction head, by which plain tokens are
 *  measured; empty without one. */
export const reconstructionHead = (parameters: Parameters): Parameters =>
  Object.fromEntries(
    [PARAMETER.reconstructionW1, PARAMETER.reconstructionW2].flatMap((name) =>
      parameters[name] ? [[name, parameters[name]]] : [],
    ),
  );

/** Embeddings of tokens sampled by the run's seed, from which a soft prompt starts. */
export function promptStart(
  { values, rows, dimensions }: EmbeddingTable,
  { seed, length }: TuningOptions,
): Float32Array {
  const stream = seededStream(seed, 'prompt start');
  const start = new Float32Array(length * dimensions);
  for (let token = 0; token < length; token++) {
    const row = uniformInt(stream, 0, rows - 1);
    start.set(values.subarray(row * dimensions, (row + 1) * dimensions), token * dimensions);
  }
  return start;
}
