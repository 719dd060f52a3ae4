/** A model file's tensors under the names of each family, with constants folded once so that no step pays for them. */
import { BadInput, type InputProblem } from '../../contracts/index.ts';
import type { Work } from '../turns.ts';
import { free, tf, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import type { FloatTensor } from '../safetensors.ts';
import type { BackboneConfig, Family } from './backbone-config.ts';
import {
  EMBEDDING_NORM,
  EncoderTensors,
  layerNames,
  POOLER,
  POSITIONS,
  PROJECTION,
  TOKEN_TYPES,
  WORDS,
} from './tensors.ts';

/** y = x W + b with W [in, out], b [out]. */
export interface Dense {
  readonly weight: Tensor2D;
  readonly bias: Tensor1D;
}

export interface LayerNorm {
  readonly gain: Tensor1D;
  readonly bias: Tensor1D;
}

export interface LayerWeights {
  /** Scaled by 1 / sqrt(head size): the scores need no scaling. */
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly attentionOutput: Dense;
  readonly attentionNorm: LayerNorm;
  /** Scaled by 1 / sqrt(2): its output u is the argument of erf in gelu. */
  readonly intermediate: Dense;
  /** Its weight is scaled by 1 / sqrt(2): gelu(sqrt(2) u) = (u + u erf(u)) / sqrt(2). */
  readonly output: Dense;
  readonly outputNorm: LayerNorm;
}

export interface EncoderWeights {
  /** [vocabulary, embedding] */
  readonly words: Tensor2D;
  /** [positions, embedding] */
  readonly positions: Tensor2D;
  /** [token types, embedding], null where the family has none */
  readonly tokenTypes: Tensor2D | null;
  readonly embeddingNorm: LayerNorm;
  /** Present where embedding and hidden sizes differ. */
  readonly projection: Dense | null;
  readonly layers: readonly LayerWeights[];
  /** The layer that BertForSequenceClassification puts between the first position and its classifier; null where the
   *  file has none. */
  readonly pooler: Dense | null;
}

/** Whether a model folder has the pooler of BERT's own classification model. */
export const hasPooler = (folder: string, family: Family): boolean => new EncoderTensors(folder, family).hasPooler;

/** The public input embedding table phi [rows, dimensions], as the file has it. @throws BadInput unless it has the
 *  shape that config.json says. */
export function* readingWordEmbeddings(folder: string, config: BackboneConfig): Work<FloatTensor> {
  const file = new EncoderTensors(folder, config.family);
  file.assertFits(WORDS, config);
  return yield* file.reading(WORDS);
}

/** Every way in which a folder's weights differ from the encoder that its config.json describes, judged by the files'
 *  headers alone. */
export const modelProblems = (folder: string, config: BackboneConfig): InputProblem[] =>
  new EncoderTensors(folder, config.family).problems(config);

/** Loads every weight of the encoder onto the device, where they stay until the caller frees them. @throws BadInput for
 *  a model that is not what its config.json says. */
export function* loadWeights(folder: string, config: BackboneConfig, words?: Float32Array): Work<EncoderWeights> {
  const problems = modelProblems(folder, config);
  if (problems.length > 0) throw new BadInput(problems);
  const file = new EncoderTensors(folder, config.family);
  const read = (name: string): FloatTensor => file.read(name);
  const matrix = (name: string): Tensor2D => {
    const { values, shape } = read(name);
    return tf.tensor2d(values, shape as [number, number]);
  };
  const vector = (name: string, scale = 1): Tensor1D => tf.tensor1d(scaled(read(name).values, scale));
  /** PyTorch keeps [out, in]; the products here want [in, out]. */
  const dense = (name: string, weightScale = 1, biasScale = weightScale): Dense => {
    const { values, shape } = read(`${name}.weight`);
    const [rows, columns] = shape as [number, number];
    return {
      weight: tf.tensor2d(scaled(transposed(values, rows, columns), weightScale), [columns, rows]),
      bias: vector(`${name}.bias`, biasScale),
    };
  };
  const norm = (name: string): LayerNorm => ({ gain: vector(`${name}.weight`), bias: vector(`${name}.bias`) });

  const queryScale = 1 / Math.sqrt(config.hiddenSize / config.heads);
  const loadLayer = (index: number): LayerWeights => {
    const layer = layerNames(config.family, index);
    return {
      query: dense(layer.query, queryScale),
      key: dense(layer.key),
      value: dense(layer.value),
      attentionOutput: dense(layer.attentionOutput),
      attentionNorm: norm(layer.attentionNorm),
      intermediate: dense(layer.intermediate, Math.SQRT1_2),
      output: dense(layer.output, Math.SQRT1_2, 1),
      outputNorm: norm(layer.outputNorm),
    };
  };
  const layers: LayerWeights[] = [];
  try {
    for (let index = 0; index < config.layers; index++) {
      layers.push(loadLayer(index));
      yield;
    }
  } catch (error) {
    free(layers);
    throw error;
  }
  return {
    words: words === undefined ? matrix(WORDS) : tf.tensor2d(words, read(WORDS).shape as [number, number]),
    positions: matrix(POSITIONS),
    tokenTypes: config.tokenTypes > 0 ? matrix(TOKEN_TYPES) : null,
    embeddingNorm: norm(EMBEDDING_NORM),
    projection: config.embeddingSize === config.hiddenSize ? null : dense(PROJECTION),
    layers,
    pooler: file.hasPooler ? dense(POOLER) : null,
  };
}

function scaled(values: Float32Array, scale: number): Float32Array {
  return scale === 1 ? values : values.map((value) => value * scale);
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  return out;
}
