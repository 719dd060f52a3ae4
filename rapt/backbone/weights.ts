/** A model file's tensors under the names of each family, with constants folded once so that no step pays for them. */
import { join } from 'node:path';
import { tf, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { SafetensorsFile, type FloatTensor } from '../safetensors.ts';
import type { BackboneConfig, Family } from './config.ts';

export const MODEL_FILE = 'model.safetensors';

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
  /** What BertForSequenceClassification puts between the first position and its classifier; null where the file has none. */
  readonly pooler: Dense | null;
}

interface LayerNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionNorm: string;
  readonly intermediate: string;
  readonly output: string;
  readonly outputNorm: string;
}

const bertLayer = (layer: number): LayerNames => ({
  query: `encoder.layer.${layer}.attention.self.query`,
  key: `encoder.layer.${layer}.attention.self.key`,
  value: `encoder.layer.${layer}.attention.self.value`,
  attentionOutput: `encoder.layer.${layer}.attention.output.dense`,
  attentionNorm: `encoder.layer.${layer}.attention.output.LayerNorm`,
  intermediate: `encoder.layer.${layer}.intermediate.dense`,
  output: `encoder.layer.${layer}.output.dense`,
  outputNorm: `encoder.layer.${layer}.output.LayerNorm`,
});

const distilbertLayer = (layer: number): LayerNames => ({
  query: `transformer.layer.${layer}.attention.q_lin`,
  key: `transformer.layer.${layer}.attention.k_lin`,
  value: `transformer.layer.${layer}.attention.v_lin`,
  attentionOutput: `transformer.layer.${layer}.attention.out_lin`,
  attentionNorm: `transformer.layer.${layer}.sa_layer_norm`,
  intermediate: `transformer.layer.${layer}.ffn.lin1`,
  output: `transformer.layer.${layer}.ffn.lin2`,
  outputNorm: `transformer.layer.${layer}.output_layer_norm`,
});

const WORDS = 'embeddings.word_embeddings.weight';

const POOLER = 'pooler.dense';

/** Whether a model folder has the pooler of BERT's own classification model. Heads of other families are trained with the task. */
export function hasPooler(folder: string, family: Family): boolean {
  const file = new SafetensorsFile(join(folder, MODEL_FILE));
  return family === 'bert' && file.has(`${prefixOf(file, family)}${POOLER}.weight`);
}

/** Task-specific checkpoints put the encoder under the family's name. */
function prefixOf(file: SafetensorsFile, family: Family): string {
  const named = family === 'xlm-roberta' ? 'roberta.' : `${family}.`;
  return file.has(`${named}${WORDS}`) ? named : '';
}

/** The public input embedding table phi [rows, dimensions], as the file has it. */
export function readWordEmbeddings(folder: string, family: Family): FloatTensor {
  const file = new SafetensorsFile(join(folder, MODEL_FILE));
  return file.read(`${prefixOf(file, family)}${WORDS}`);
}

/** Loads every weight of the encoder onto the device, where they stay until the caller frees them. */
export function loadWeights(folder: string, config: BackboneConfig, words?: Float32Array): EncoderWeights {
  const file = new SafetensorsFile(join(folder, MODEL_FILE));
  const prefix = prefixOf(file, config.family);
  const read = (name: string): FloatTensor => file.read(`${prefix}${name}`);
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
  const names = config.family === 'distilbert' ? distilbertLayer : bertLayer;
  return {
    words: words === undefined ? matrix(WORDS) : tf.tensor2d(words, read(WORDS).shape as [number, number]),
    positions: matrix('embeddings.position_embeddings.weight'),
    tokenTypes: config.tokenTypes > 0 ? matrix('embeddings.token_type_embeddings.weight') : null,
    embeddingNorm: norm('embeddings.LayerNorm'),
    projection: config.embeddingSize === config.hiddenSize ? null : dense('embeddings_project'),
    layers: Array.from({ length: config.layers }, (_, index) => {
      const layer = names(index);
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
    }),
    pooler: hasPooler(folder, config.family) ? dense(POOLER) : null,
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
