/** The tensors that an encoder needs, under Rapt's names for them, found under whatever names a model's files have. */
import { join } from 'node:path';
import { BadInput, type InputProblem } from '../../contracts/index.ts';
import { READABLE_DTYPES, type FloatTensor } from '../safetensors.ts';
import { atOnce, type Work } from '../turns.ts';
import type { BackboneConfig, Family } from './backbone-config.ts';
import { INDEX_FILE, MODEL_FILE, openTensors, weightFilesOf, type Tensors } from './model-files.ts';

/** The names of a layer's parts, each with a weight and a bias. */
export interface LayerNames {
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

export const layerNames = (family: Family, layer: number): LayerNames =>
  family === 'distilbert' ? distilbertLayer(layer) : bertLayer(layer);

export const WORDS = 'embeddings.word_embeddings.weight';
export const POSITIONS = 'embeddings.position_embeddings.weight';
export const TOKEN_TYPES = 'embeddings.token_type_embeddings.weight';
export const EMBEDDING_NORM = 'embeddings.LayerNorm';
export const PROJECTION = 'embeddings_project';
export const POOLER = 'pooler.dense';

/** What files from TensorFlow's time call a layer norm's weight and bias. */
const OLD_NAMES: readonly (readonly [ending: RegExp, old: string])[] = [
  [/\.weight$/, '.gamma'],
  [/\.bias$/, '.beta'],
];

interface WantedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Problems that are listed of one model; a model of another family lacks them all. */
const LISTED_PROBLEMS = 5;

/** A model folder's tensors. */
export class EncoderTensors {
  readonly #file: Tensors;
  readonly #path: string;
  readonly #family: Family;
  readonly #prefix: string;

  /** @throws RaptError as `openTensors`; BadInput when it holds several encoders. */
  constructor(folder: string, family: Family) {
    this.#file = openTensors(folder);
    this.#path = join(folder, weightFilesOf(folder)?.[0] === MODEL_FILE ? MODEL_FILE : INDEX_FILE);
    this.#family = family;
    this.#prefix = this.#findPrefix();
  }

  has(name: string): boolean {
    return this.#place(name) !== null;
  }

  /** Whether it has the pooler of BERT's own classification model. Heads of other families are trained with the
   *  task. */
  get hasPooler(): boolean {
    return this.#family === 'bert' && this.has(`${POOLER}.weight`) && this.has(`${POOLER}.bias`);
  }

  /** @throws BadInput naming file and tensor. */
  read(name: string): FloatTensor {
    return atOnce(this.reading(name));
  }

  /** The same in stretches. */
  *reading(name: string): Work<FloatTensor> {
    const place = this.#place(name);
    if (place === null) throw new BadInput([this.#lacks(name)]);
    return yield* this.#file.reading(place);
  }

  /** Every way in which the files differ from the encoder that config.json describes, judged by their headers alone. */
  problems(config: BackboneConfig): InputProblem[] {
    const problems = wantedTensors(config, this.hasPooler).flatMap((wanted) => this.#problemOf(wanted));
    if (problems.length <= LISTED_PROBLEMS) return problems;
    return [
      ...problems.slice(0, LISTED_PROBLEMS),
      {
        where: this.#path,
        problem: `has ${problems.length - LISTED_PROBLEMS} more problems like these; is config.json of this model?`,
      },
    ];
  }

  /** @throws BadInput unless the tensor is there in the shape that config.json says. */
  assertFits(name: string, config: BackboneConfig): void {
    const problems = wantedTensors(config, false)
      .filter((wanted) => wanted.name === name)
      .flatMap((wanted) => this.#problemOf(wanted));
    if (problems.length > 0) throw new BadInput(problems);
  }

  #problemOf({ name, shape }: WantedTensor): InputProblem[] {
    const place = this.#place(name);
    if (place === null) return [this.#lacks(name)];
    const { dtype, shape: found } = this.#file.header(place)!;
    const problem = (text: string): InputProblem[] => [{ where: this.#path, problem: `its tensor ${place} ${text}` }];
    if (!READABLE_DTYPES.includes(dtype)) return problem(`is ${dtype}; convert the model to F32, F16 or BF16`);
    if (found.join() === shape.join()) return [];
    return problem(`is ${found.join(' x ')}, and config.json says ${shape.join(' x ')}; give both files of one model`);
  }

  #lacks(name: string): InputProblem {
    return {
      where: this.#path,
      problem:
        `has no tensor ${this.#prefix}${name}, which a model of type ${this.#family} has; ` +
        'save the model again with `save_pretrained` of transformers',
    };
  }

  /** The name under which the file has a tensor; null when it has none. */
  #place(name: string): string | null {
    const full = this.#prefix + name;
    const old = OLD_NAMES.map(([ending, replacement]) => full.replace(ending, replacement));
    return [full, ...old].find((candidate) => this.#file.has(candidate)) ?? null;
  }

  /** What stands before each name: nothing, the family's name in checkpoints with a task's head, or a name that the
   *  wrapper of some trainer has left there. */
  #findPrefix(): string {
    const named = this.#family === 'xlm-roberta' ? 'roberta.' : `${this.#family}.`;
    for (const prefix of [named, '']) if (this.#file.has(`${prefix}${WORDS}`)) return prefix;
    const found = this.#file.names.flatMap((name) =>
      name.endsWith(`.${WORDS}`) ? [name.slice(0, -WORDS.length)] : [],
    );
    if (found.length > 1)
      throw new BadInput([
        {
          where: this.#path,
          problem: `holds several encoders (${found.join(', ')}); save the one that is meant by itself`,
        },
      ]);
    return found[0] ?? '';
  }
}

/** Every tensor of an encoder of this shape; PyTorch keeps a dense layer's weight as [out, in]. */
function wantedTensors(config: BackboneConfig, withPooler: boolean): WantedTensor[] {
  const { family, vocabularySize, embeddingSize, hiddenSize, intermediateSize, maxPositions, tokenTypes, layers } =
    config;
  const dense = (name: string, out: number, input: number): WantedTensor[] => [
    { name: `${name}.weight`, shape: [out, input] },
    { name: `${name}.bias`, shape: [out] },
  ];
  const norm = (name: string, size: number): WantedTensor[] =>
    ['weight', 'bias'].map((part) => ({ name: `${name}.${part}`, shape: [size] }));
  return [
    { name: WORDS, shape: [vocabularySize, embeddingSize] },
    { name: POSITIONS, shape: [maxPositions, embeddingSize] },
    ...(tokenTypes > 0 ? [{ name: TOKEN_TYPES, shape: [tokenTypes, embeddingSize] }] : []),
    ...norm(EMBEDDING_NORM, embeddingSize),
    ...(embeddingSize === hiddenSize ? [] : dense(PROJECTION, hiddenSize, embeddingSize)),
    ...Array.from({ length: layers }, (_, index) => {
      const layer = layerNames(family, index);
      const square = [layer.query, layer.key, layer.value, layer.attentionOutput].flatMap((name) =>
        dense(name, hiddenSize, hiddenSize),
      );
      const norms = [layer.attentionNorm, layer.outputNorm].flatMap((name) => norm(name, hiddenSize));
      return [
        ...square,
        ...norms,
        ...dense(layer.intermediate, intermediateSize, hiddenSize),
        ...dense(layer.output, hiddenSize, intermediateSize),
      ];
    }).flat(),
    ...(withPooler ? dense(POOLER, hiddenSize, hiddenSize) : []),
  ];
}
