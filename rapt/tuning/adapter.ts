/** The adapter: everything that inference needs besides the frozen backbone, in the layout of Hugging Face PEFT. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ADAPTER_FILES,
  BadInput,
  canonicalJson,
  DEFAULT_BACKBONE_ON_HUB,
  DEFAULT_BACKBONE_SHA256,
  ErrorKind,
  RaptError,
  adapterCardSchema,
  type AdapterCard,
  type AdapterFile,
  type ReleaseManifest,
  type Sha256,
  type TuningOptions,
} from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';
import type { BackboneConfig } from '../backbone/index.ts';
import { parseHubName } from '../hub/index.ts';
import { encodeSafetensors, readSafetensors } from '../safetensors.ts';
import { trainingDigest } from './training-digest.ts';
import { PARAMETER, adapterParameters, type Parameters } from './parameters.ts';

export interface Adapter {
  readonly card: AdapterCard;
  /** Virtual tokens and classification head. */
  readonly parameters: Parameters;
}

const PEFT_TYPE = { prompt: 'PROMPT_TUNING', prefix: 'PREFIX_TUNING' } as const;
/** Stands before the names under which PEFT's classification model keeps its classifier. */
const IN_PEFT = 'base_model.';

/** The name by which PEFT and transformers find the model, if it is on the hub. The set-up's model is recognized by its
 *  weights, whatever its folder is called. */
function baseModel({ name, sha256 }: AdapterCard['backbone']): {
  readonly base_model_name_or_path: string;
  readonly revision?: string;
} {
  const onHub = parseHubName(name);
  if (onHub !== null)
    return { base_model_name_or_path: onHub.model, ...(name.includes('@') && { revision: onHub.revision }) };
  return { base_model_name_or_path: sha256 === DEFAULT_BACKBONE_SHA256 ? DEFAULT_BACKBONE_ON_HUB : name };
}

/** The bytes of each file of an adapter; they depend on the trained weights and the card alone. */
export function encodeAdapter(
  parameters: Parameters,
  card: AdapterCard,
  backbone: BackboneConfig,
): Record<AdapterFile, Buffer> {
  const { [PARAMETER.virtualTokens]: virtualTokens, ...head } = adapterParameters(parameters);
  const { length, method, pooling } = card;
  // With the model's own pooler, PEFT's classification model holds all of the adapter. With the mean, PEFT gives the
  // hidden states, and the head lies beside its files.
  const whole = pooling === 'pooler';
  const inPeft = whole ? Object.entries(head).map(([name, tensor]) => [IN_PEFT + name, tensor] as const) : [];
  return {
    'adapter_config.json': Buffer.from(
      `${JSON.stringify(
        {
          ...baseModel(card.backbone),
          inference_mode: true,
          num_attention_heads: backbone.heads,
          num_layers: backbone.layers,
          num_transformer_submodules: 1,
          num_virtual_tokens: length,
          peft_type: PEFT_TYPE[method],
          ...(method === 'prefix' ? { encoder_hidden_size: backbone.hiddenSize, prefix_projection: false } : {}),
          ...(whole ? { modules_to_save: ['classifier'] } : {}),
          task_type: whole ? 'SEQ_CLS' : 'FEATURE_EXTRACTION',
          token_dim: method === 'prefix' ? backbone.hiddenSize : backbone.embeddingSize,
        },
        null,
        2,
      )}\n`,
    ),
    'adapter_model.safetensors': encodeSafetensors(
      { [PARAMETER.virtualTokens]: virtualTokens!, ...Object.fromEntries(inPeft) },
      { format: 'pt' },
    ),
    'head.safetensors': encodeSafetensors(head, { format: 'pt' }),
    'rapt.json': Buffer.from(canonicalJson(card)),
  };
}

/** The card of an adapter trained on a release. */
export function adapterCard({
  manifest,
  release,
  backbone: { name, sha256 },
  tuning,
}: {
  readonly manifest: ReleaseManifest;
  /** Digest of the release. */
  readonly release: Sha256;
  readonly backbone: AdapterCard['backbone'];
  readonly tuning: TuningOptions;
}): AdapterCard {
  return {
    format: 'rapt-adapter/1',
    backbone: { name, sha256 },
    method: tuning.method,
    length: tuning.length,
    pooling: tuning.pooling,
    ...(tuning.input === 'posterior' ? { input: tuning.input } : {}),
    classes: manifest.classes,
    pair: manifest.pair,
    maxTokens: manifest.maxTokens,
    plain: manifest.plain,
    guarantee: manifest.guarantee,
    release,
    trainingDigest: trainingDigest(release, sha256, tuning),
  };
}

/** SHA-256 over the sorted lines "<sha256>  <file>", as `sha256sum` prints them. */
export function adapterDigest(files: Readonly<Record<AdapterFile, Buffer>>): Sha256 {
  const lines = Object.entries(files)
    .map(([file, bytes]) => `${sha256Of(bytes)}  ${file}\n`)
    .sort();
  return sha256Of(lines.join(''));
}

/** Reads an adapter's folder. @throws RaptError corruptArtifact naming the damaged file. */
export function readAdapter(folder: string): Adapter {
  const [, model, head, cardFile] = ADAPTER_FILES;
  const card = readCard(join(folder, cardFile));
  const { [PARAMETER.virtualTokens]: virtualTokens } = readSafetensors(join(folder, model));
  if (virtualTokens === undefined)
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `${join(folder, model)} has no ${PARAMETER.virtualTokens}; export the adapter again`,
    );
  return { card, parameters: { [PARAMETER.virtualTokens]: virtualTokens, ...readSafetensors(join(folder, head)) } };
}

/** @param sha256 of the weights that are here. @throws BadInput when the adapter was trained on other weights. */
export function assertSameWeights(card: AdapterCard, sha256: Sha256): void {
  if (card.backbone.sha256 !== sha256)
    throw new BadInput([
      {
        where: 'backbone',
        problem:
          `the adapter was trained on other weights (sha256 ${card.backbone.sha256}) ` +
          `than "${card.backbone.name}" has here (${sha256})`,
      },
    ]);
}

/** Reads rapt.json. @throws RaptError corruptArtifact naming the file. */
export function readCard(path: string): AdapterCard {
  try {
    return adapterCardSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RaptError(ErrorKind.corruptArtifact, `${path} is not an adapter card; export the adapter again`, {
      cause,
    });
  }
}
