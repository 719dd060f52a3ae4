/** How much memory a training takes, from shapes alone. It is told, and compared with the machine's memory, before
 *  anything is released.
 *
 *  With S ids of a row (soft prompt included), P key-value pairs of a prefix and T = P + S, a layer of H hidden and I
 *  intermediate values and A heads keeps of each row, from its forward pass to its backward pass (`LayerTape`):
 *
 *    q, and the inputs of both norms         3 S H
 *    k, v                                    2 T H
 *    attention probabilities                 A S T
 *    u and 1 + erf u of gelu                 2 S I
 *
 *  During a layer's backward pass, all tensors that it makes live until it is through (`layerBackward`, counted
 *  product by product):
 *
 *    both norms 12, four dense layers and their sums 14 of S H; gelu 8 of S I; scores 4 of A S T; dk and dv 2 T H
 *
 *  The reconstruction head lives before that and is freed: about 8 arrays of plainTokens x |T| (logits, their softmax,
 *  its logarithm, targets, gradients). So
 *
 *    a row = layers * tape + max(backward of one layer, reconstruction) + the hidden states and their gradient
 *
 *  These parts do not grow with the batch: the frozen weights, and for each trained number its value, its copy on the
 *  device, its gradient and AdamW's two moments. */
import type { TuningOptions } from '../../contracts/index.ts';
import type { BackboneConfig } from '../backbone/index.ts';

const FLOAT_BYTES = 4;
/** Value, copy on the device, gradient, two moments. */
const COPIES_OF_TRAINED = 5;
/** Arrays of [plain tokens, |T|] that live at once. */
const RECONSTRUCTION_ARRAYS = 8;

export interface TrainingShape {
  readonly config: BackboneConfig;
  readonly options: Pick<TuningOptions, 'method' | 'length' | 'reconstruction'>;
  readonly classes: number;
  /** |T|, or 0 without reconstruction. */
  readonly reconstructionVocabulary: number;
  /** Ids of the longest row, plain tokens and frame included, virtual tokens not. */
  readonly ids: number;
}

/** Bytes of all arrays of numbers: a fixed part, and a part for each row of a batch. What the process takes besides is
 *  not counted. */
export interface TrainingMemory {
  readonly fixedBytes: number;
  readonly rowBytes: number;
}

export function trainingMemory({
  config,
  options,
  classes,
  reconstructionVocabulary,
  ids,
}: TrainingShape): TrainingMemory {
  const { hiddenSize: hidden, intermediateSize: intermediate, embeddingSize, heads, layers } = config;
  const { method, length, reconstruction } = options;
  const seq = ids + (method === 'prompt' ? length : 0);
  const keys = seq + (method === 'prefix' ? length : 0);
  const states = seq * hidden;

  const tape = 3 * states + 2 * keys * hidden + heads * seq * keys + 2 * seq * intermediate;
  const backward = 26 * states + 8 * seq * intermediate + 4 * heads * seq * keys + 2 * keys * hidden;
  const reconstructed =
    reconstruction === false ? 0 : RECONSTRUCTION_ARRAYS * reconstruction.plainTokens * reconstructionVocabulary;
  const row = layers * tape + Math.max(backward, reconstructed) + 3 * states;

  const virtual = length * (method === 'prompt' ? embeddingSize : layers * 2 * hidden);
  const headValues =
    (classes + 1) * hidden +
    (reconstruction === false ? 0 : reconstruction.bottleneck * (hidden + reconstructionVocabulary));
  const trained = virtual + headValues;
  return {
    fixedBytes: FLOAT_BYTES * (frozenWeights(config) + COPIES_OF_TRAINED * trained),
    rowBytes: FLOAT_BYTES * row,
  };
}

function frozenWeights(config: BackboneConfig): number {
  const { vocabularySize, maxPositions, tokenTypes, embeddingSize } = config;
  return (vocabularySize + maxPositions + tokenTypes + 2) * embeddingSize + config.layers * layerWeights(config);
}

/** Weights of one layer: four square dense layers, two that widen and narrow, two norms. */
export const layerWeights = ({ hiddenSize: h, intermediateSize: i }: BackboneConfig): number =>
  4 * (h * h + h) + 2 * h * i + i + h + 4 * h;
