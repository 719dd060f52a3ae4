import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BadInput } from '../../contracts/index.ts';

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

const bertLike = z.object({
  vocab_size: z.int(),
  embedding_size: z.int().optional(),
  hidden_size: z.int(),
  num_hidden_layers: z.int(),
  num_attention_heads: z.int(),
  intermediate_size: z.int(),
  max_position_embeddings: z.int(),
  type_vocab_size: z.int().default(2),
  layer_norm_eps: z.number().default(1e-12),
  hidden_act: z.string().default('gelu'),
  position_embedding_type: z.string().default('absolute'),
  pad_token_id: z.int().nullish(),
});

const distilbert = z.object({
  vocab_size: z.int(),
  dim: z.int(),
  n_layers: z.int(),
  n_heads: z.int(),
  hidden_dim: z.int(),
  max_position_embeddings: z.int(),
  activation: z.string().default('gelu'),
  pad_token_id: z.int().nullish(),
});

/** Reads config.json of a model folder. @throws BadInput when the model is not one that Rapt can run. */
export function readBackboneConfig(folder: string): BackboneConfig {
  const path = join(folder, 'config.json');
  const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const family = z.object({ model_type: z.string() }).parse(json).model_type;
  if (!(FAMILIES as readonly string[]).includes(family))
    throw new BadInput([{ where: path, problem: `model_type "${family}" is not supported; use a model of the family ${FAMILIES.join(', ')}` }]);
  if (family === 'distilbert') {
    const config = distilbert.parse(json);
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
  const config = bertLike.parse(json);
  requireGelu(path, config.hidden_act);
  if (config.position_embedding_type !== 'absolute')
    throw new BadInput([{ where: path, problem: `position_embedding_type "${config.position_embedding_type}" is not supported; only "absolute" is` }]);
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

function requireGelu(path: string, activation: string): void {
  if (activation !== 'gelu')
    throw new BadInput([{ where: path, problem: `activation "${activation}" is not supported; only the exact "gelu" is` }]);
}

/** Families that count positions from the first id after the padding id. */
export const positionsFollowPadding = (config: BackboneConfig): boolean => config.family.endsWith('roberta');

/** Longest sequence, virtual tokens included, that the position table has room for. */
export const maxSequence = (config: BackboneConfig): number =>
  positionsFollowPadding(config) ? config.maxPositions - config.padId - 1 : config.maxPositions;
