import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BadInput } from '../../contracts/index.ts';
import { parseJson } from '../json.ts';
import { CONFIG_FILE } from './model-files.ts';

export const FAMILIES = ['bert', 'roberta', 'xlm-roberta', 'distilbert', 'electra'] as const;
export type Family = (typeof FAMILIES)[number];

/** The shape of a frozen encoder, in one vocabulary for all families. */
export interface BackboneConfig {
  readonly family: Family;
  readonly vocabularySize: number;
  /** Width of the embedding table; differs from hiddenSize in some electra models. */
  readonly embeddingSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  /** Number of token types (segments); 0 where the family has none. */
  readonly tokenTypes: number;
  readonly layerNormEps: number;
  readonly padId: number;
}

const size = z.int().positive();

const bertLike = z.object({
  vocab_size: size,
  embedding_size: size.optional(),
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  intermediate_size: size,
  max_position_embeddings: size,
  type_vocab_size: z.int().min(0).default(2),
  layer_norm_eps: z.number().default(1e-12),
  hidden_act: z.string().default('gelu'),
  position_embedding_type: z.string().default('absolute'),
  pad_token_id: z.int().min(0).nullish(),
});

const distilbert = z.object({
  vocab_size: size,
  dim: size,
  n_layers: size,
  n_heads: size,
  hidden_dim: size,
  max_position_embeddings: size,
  activation: z.string().default('gelu'),
  pad_token_id: z.int().min(0).nullish(),
});

/** The family by the class of the model, for files that were written before config.json named its type. Longer names
 *  stand first. */
const FAMILY_OF_CLASS: readonly (readonly [start: string, family: Family])[] = [
  ['XLMRoberta', 'xlm-roberta'],
  ['Roberta', 'roberta'],
  ['DistilBert', 'distilbert'],
  ['Electra', 'electra'],
  ['Bert', 'bert'],
];

const anyModel = z.looseObject({ model_type: z.string().optional(), architectures: z.array(z.string()).nullish() });

/** Reads config.json of a model folder. @throws BadInput when the model is not one that Rapt can run. */
export function readBackboneConfig(folder: string): BackboneConfig {
  const path = join(folder, CONFIG_FILE);
  return parseBackboneConfig(readFileSync(path, 'utf8'), path);
}

/** @param path names the text. @throws BadInput when the model is not one that Rapt can run. */
export function parseBackboneConfig(text: string, path: string): BackboneConfig {
  const config = readConfig(text, path);
  const { hiddenSize, heads, vocabularySize, padId } = config;
  if (hiddenSize % heads !== 0)
    throw new BadInput([
      {
        where: path,
        problem:
          `its hidden size ${hiddenSize} is no multiple of its ${heads} attention heads; ` +
          'take config.json from where the weights come from',
      },
    ]);
  if (padId >= vocabularySize)
    throw new BadInput([
      {
        where: path,
        problem:
          `pad_token_id ${padId} is none of its ${vocabularySize} tokens; ` +
          'take config.json from where the weights come from',
      },
    ]);
  return config;
}

function readConfig(text: string, path: string): BackboneConfig {
  const json = parseJson(text);
  const { model_type: type, architectures } = parsed(anyModel, json, path);
  const family = type ?? FAMILY_OF_CLASS.find(([start]) => architectures?.[0]?.startsWith(start))?.[1];
  if (family === undefined)
    throw new BadInput([
      { where: path, problem: `has no "model_type"; add the one that it is of: ${FAMILIES.join(', ')}` },
    ]);
  if (!(FAMILIES as readonly string[]).includes(family))
    throw new BadInput([
      {
        where: path,
        problem: `model_type "${family}" is not supported; use a model of the family ${FAMILIES.join(', ')}`,
      },
    ]);
  if (family === 'distilbert') {
    const config = parsed(distilbert, json, path);
    requireGelu(path, config.activation);
    return {
      family: 'distilbert',
      vocabularySize: config.vocab_size,
      embeddingSize: config.dim,
      hiddenSize: config.dim,
      layers: config.n_layers,
      heads: config.n_heads,
      intermediateSize: config.hidden_dim,
      maxPositions: config.max_position_embeddings,
      tokenTypes: 0,
      layerNormEps: 1e-12,
      padId: config.pad_token_id ?? 0,
    };
  }
  const config = parsed(bertLike, json, path);
  requireGelu(path, config.hidden_act);
  if (config.position_embedding_type !== 'absolute')
    throw new BadInput([
      {
        where: path,
        problem: `position_embedding_type "${config.position_embedding_type}" is not supported; only "absolute" is`,
      },
    ]);
  return {
    family: family as Family,
    vocabularySize: config.vocab_size,
    embeddingSize: config.embedding_size ?? config.hidden_size,
    hiddenSize: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    intermediateSize: config.intermediate_size,
    maxPositions: config.max_position_embeddings,
    tokenTypes: config.type_vocab_size,
    layerNormEps: config.layer_norm_eps,
    padId: config.pad_token_id ?? (family === 'bert' || family === 'electra' ? 0 : 1),
  };
}

/** @throws BadInput with a line for each field that is wrong. */
function parsed<S extends z.ZodType>(schema: S, json: unknown, path: string): z.output<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const where = (field: readonly PropertyKey[]): string =>
    field.length === 0 ? path : `${path}, ${field.map(String).join('.')}`;
  throw new BadInput(
    result.error.issues.map((issue) => ({
      where: where(issue.path),
      problem: `${issue.message}; is this the config.json of a transformers model?`,
    })),
  );
}

function requireGelu(path: string, activation: string): void {
  if (activation !== 'gelu')
    throw new BadInput([
      { where: path, problem: `activation "${activation}" is not supported; only the exact "gelu" is` },
    ]);
}

/** Families that count positions from the first id after the padding id. */
export const positionsFollowPadding = (config: BackboneConfig): boolean => config.family.endsWith('roberta');

/** Longest sequence, virtual tokens included, that the position table has room for. */
export const maxSequence = (config: BackboneConfig): number =>
  positionsFollowPadding(config) ? config.maxPositions - config.padId - 1 : config.maxPositions;
