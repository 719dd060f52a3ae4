import { free, tf, tidy, type Tensor2D, type Tensor3D, type Tensor4D } from '../tensorflow.ts';
import { BadInput, type InputProblem } from '../../contracts/index.ts';
import { atOnce, inTurns } from '../turns.ts';
import { maxSequence, positionsFollowPadding, readBackboneConfig, type BackboneConfig } from './backbone-config.ts';
import {
  disposeTape,
  layerBackward,
  layerForward,
  type LayerPrefix,
  type LayerShape,
  type LayerTape,
} from './layer.ts';
import { dense, denseBackward, layerNorm, layerNormBackward, type LayerNormState } from './operations.ts';
import { hasPooler, loadWeights, type Dense, type EncoderWeights } from './weights.ts';

/** Token ids of a batch, padded at the right to one length. */
export interface EncoderBatch {
  readonly batch: number;
  readonly seq: number;
  /** [batch * seq], row-major */
  readonly ids: Int32Array;
  /** Ids of each row that are not padding, [batch]. */
  readonly lengths: Int32Array;
  /** Segment of each token, [batch * seq]; all 0 when left out. */
  readonly tokenTypes?: Int32Array;
}

/** What stands before the frozen model's own input: a prompt, a prefix, or neither. */
export interface VirtualTokens {
  /** Soft prompt [length, embedding], at the embedding layer. */
  readonly prompt?: Tensor2D;
  /** Prefix of each layer. */
  readonly prefix?: readonly LayerPrefix[];
}

export interface VirtualTokenGradients {
  readonly prompt: Tensor2D | null;
  readonly prefix: readonly LayerPrefix[] | null;
}

/** A forward pass that can be differentiated once. */
export interface ForwardPass {
  /** [batch, prompt + seq, hidden] */
  readonly hidden: Tensor3D;
  /** Gradients of the virtual tokens from the gradient of `hidden`; frees the pass. */
  backward(dHidden: Tensor3D): VirtualTokenGradients;
  /** Frees a pass that will not be differentiated. */
  dispose(): void;
}

interface EmbeddingTape {
  readonly norm: LayerNormState;
  readonly promptLength: number;
}

const MASKED = -1e9;
const NO_POOLER: InputProblem = {
  where: 'tuning.pooling',
  problem:
    'the backbone has no pooler of its own; ' +
    'use a BERT model with pooler.dense in its model.safetensors, or pooling "mean"',
};

/** What keeps the model in this folder from being pooled in this way; empty when nothing does. */
export function poolingProblems(folder: string, pooling: 'mean' | 'pooler'): InputProblem[] {
  return pooling === 'pooler' && !hasPooler(folder, readBackboneConfig(folder).family) ? [NO_POOLER] : [];
}

/** A frozen transformer encoder of the BERT family. Virtual tokens lie as in Hugging Face PEFT: a soft prompt stands
 *  before [CLS] and takes the first positions and token type 0; a prefix of length P is seen by every layer's attention
 *  and shifts the positions of the text by P. */
export class Encoder {
  readonly config: BackboneConfig;
  readonly #weights: EncoderWeights;

  /** Loads a model folder. @param words [rows, embedding], instead of the folder's own input embeddings. @throws
   *  BadInput for a model that Rapt cannot run. */
  constructor(folder: string, words?: Float32Array);
  /** @param weights that are loaded already. */
  constructor(folder: string, words: undefined, weights: EncoderWeights);
  constructor(folder: string, words?: Float32Array, weights?: EncoderWeights) {
    this.config = readBackboneConfig(folder);
    this.#weights = weights ?? atOnce(loadWeights(folder, this.config, words));
  }

  /** As the constructor, in stretches between which others have their turn. */
  static async inTurns(folder: string): Promise<Encoder> {
    return new Encoder(folder, undefined, await inTurns(loadWeights(folder, readBackboneConfig(folder))));
  }

  /** The pooler without its tanh. @throws BadInput for a model that has none. */
  get pooler(): Dense {
    const { pooler } = this.#weights;
    if (pooler === null) throw new BadInput([NO_POOLER]);
    return pooler;
  }

  /** Frees the weights, which TensorFlow keeps until it is told. */
  dispose(): void {
    free(this.#weights);
  }

  /** Hidden states of the last layer, [batch, prompt + seq, hidden]. */
  encode(batch: EncoderBatch, virtual: VirtualTokens = {}): Tensor3D {
    const pass = this.#run(batch, virtual, false);
    return pass.hidden;
  }

  /** Hidden states with what the gradients of the virtual tokens need. */
  forward(batch: EncoderBatch, virtual: VirtualTokens): ForwardPass {
    return this.#run(batch, virtual, true);
  }

  #run(batch: EncoderBatch, virtual: VirtualTokens, differentiable: boolean): ForwardPass {
    const { heads, layerNormEps, hiddenSize } = this.config;
    const promptLength = virtual.prompt?.shape[0] ?? 0;
    const prefixLength = virtual.prefix?.[0]?.keys.shape[1] ?? 0;
    const seq = promptLength + batch.seq;
    if (prefixLength + seq > maxSequence(this.config))
      throw new BadInput([
        {
          where: 'data.maxTokens',
          problem:
            `a sequence of ${prefixLength + seq} positions, virtual tokens included, ` +
            `exceeds the backbone's ${maxSequence(this.config)}; lower maxTokens, tuning.length or plainTokens`,
        },
      ]);

    const shape: LayerShape = { batch: batch.batch, seq, heads, layerNormEps };
    const maskBias = this.#maskBias(batch, promptLength, prefixLength);
    const embedded = this.#embed(batch, virtual.prompt, prefixLength);
    const tapes: LayerTape[] = [];
    let x = embedded.x; //  [batch * seq, hidden]
    for (const [index, layer] of this.#weights.layers.entries()) {
      const { y, tape } = layerForward(x, layer, shape, maskBias, virtual.prefix?.[index] ?? null);
      x.dispose();
      x = y;
      if (differentiable) tapes.push(tape);
      else disposeTape(tape);
    }
    maskBias?.dispose();
    const hidden = x.as3D(batch.batch, seq, hiddenSize);
    x.dispose();

    const freeEmbedding = (): void => {
      embedded.tape.norm.normalized.dispose();
      embedded.tape.norm.inverseDeviation.dispose();
    };
    if (!differentiable) freeEmbedding();
    const dispose = (): void => {
      tapes.splice(0).forEach(disposeTape);
      freeEmbedding();
    };
    return {
      hidden,
      backward: (dHidden) => this.#backward(dHidden, tapes, embedded.tape, prefixLength, dispose),
      dispose,
    };
  }

  #backward(
    dHidden: Tensor3D,
    tapes: LayerTape[],
    embedding: EmbeddingTape,
    prefixLength: number,
    dispose: () => void,
  ): VirtualTokenGradients {
    const [batch, seq, hidden] = dHidden.shape;
    const prefixes: LayerPrefix[] = [];
    let dy: Tensor2D | null = tf.reshape(dHidden, [batch * seq, hidden]);
    for (let index = tapes.length - 1; index >= 0; index--) {
      const needInput: boolean = index > 0 || embedding.promptLength > 0;
      const { dx, prefix } = layerBackward(dy!, this.#weights.layers[index]!, tapes[index]!, prefixLength, needInput);
      dy!.dispose();
      dy = dx;
      if (prefix) prefixes.unshift(prefix);
    }
    const prompt = embedding.promptLength > 0 ? this.#promptGradient(dy!, embedding, batch, seq) : null;
    dy?.dispose();
    dispose();
    return { prompt, prefix: prefixes.length > 0 ? prefixes : null };
  }

  /** The sum of word (or prompt), position and token-type embeddings, normalized; projected where sizes differ. */
  #embed(
    batch: EncoderBatch,
    prompt: Tensor2D | undefined,
    prefixLength: number,
  ): { x: Tensor2D; tape: EmbeddingTape } {
    const { words, positions, tokenTypes, embeddingNorm, projection } = this.#weights;
    const promptLength = prompt?.shape[0] ?? 0;
    const seq = promptLength + batch.seq;
    return tidy(() => {
      let x = lookUp(words, batch.ids, batch.batch, batch.seq); //  [batch, seq, embedding]
      if (prompt) x = tf.concat([tf.tile<Tensor3D>(tf.expandDims(prompt, 0), [batch.batch, 1, 1]), x], 1);
      const places = positionIds(batch, this.config, promptLength, prefixLength);
      x = tf.add(x, lookUp(positions, places, batch.batch, seq));
      if (tokenTypes) x = tf.add(x, lookUp(tokenTypes, segments(batch, promptLength), batch.batch, seq));
      const flat: Tensor2D = tf.reshape(x, [batch.batch * seq, this.config.embeddingSize]);
      const { y, state } = layerNorm(flat, embeddingNorm, this.config.layerNormEps);
      return { x: projection ? dense(y, projection) : y, tape: { norm: state, promptLength } };
    });
  }

  /** Every row of the batch shares the prompt, so its gradient is the sum over the batch. dx [batch * seq, hidden] ->
   *  [length, embedding] */
  #promptGradient(dx: Tensor2D, { norm, promptLength }: EmbeddingTape, batch: number, seq: number): Tensor2D {
    const { embeddingNorm, projection } = this.#weights;
    return tidy(() => {
      const dNorm = layerNormBackward(projection ? denseBackward(dx, projection) : dx, embeddingNorm, norm);
      const rows: Tensor3D = tf.reshape(dNorm, [batch, seq, this.config.embeddingSize]);
      return tf.sum<Tensor2D>(tf.slice(rows, [0, 0, 0], [batch, promptLength, this.config.embeddingSize]), 0);
    });
  }

  /** [batch, 1, 1, prefix + seq]: 0 for virtual and real tokens, MASKED for padding; null when no row has padding. */
  #maskBias({ batch, seq, lengths }: EncoderBatch, promptLength: number, prefixLength: number): Tensor4D | null {
    if (lengths.every((length) => length === seq)) return null;
    const virtual = promptLength + prefixLength;
    const width = virtual + seq;
    const bias = new Float32Array(batch * width);
    for (let row = 0; row < batch; row++) bias.fill(MASKED, row * width + virtual + lengths[row]!, (row + 1) * width);
    return tf.tensor4d(bias, [batch, 1, 1, width]);
  }
}

/** Rows of a table [n, embedding] for ids [batch * seq] -> [batch, seq, embedding] */
function lookUp(table: Tensor2D, ids: Int32Array, batch: number, seq: number): Tensor3D {
  return tf.reshape(tf.gather(table, tf.tensor1d(ids, 'int32')), [batch, seq, table.shape[1]]);
}

/** Position of each token, [batch * (prompt + seq)]. */
function positionIds(
  { batch, seq, lengths }: EncoderBatch,
  config: BackboneConfig,
  promptLength: number,
  prefixLength: number,
): Int32Array {
  const width = promptLength + seq;
  const ids = new Int32Array(batch * width);
  const afterPadding = positionsFollowPadding(config);
  for (let row = 0; row < batch; row++)
    for (let place = 0; place < width; place++) {
      const real = place < promptLength + lengths[row]!;
      if (!afterPadding) ids[row * width + place] = prefixLength + place;
      else ids[row * width + place] = real ? config.padId + 1 + prefixLength + place : config.padId;
    }
  return ids;
}

function segments({ batch, seq, tokenTypes }: EncoderBatch, promptLength: number): Int32Array {
  const width = promptLength + seq;
  const out = new Int32Array(batch * width);
  if (tokenTypes)
    for (let row = 0; row < batch; row++)
      out.set(tokenTypes.subarray(row * seq, (row + 1) * seq), row * width + promptLength);
  return out;
}
