/** Adapters that Hugging Face PEFT saved: prompt or prefix tuning of BertForSequenceClassification, with its pooler and
 *  its classifier. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ADAPTER_FILES, BadInput, ErrorKind, RaptError, type InputProblem } from '../../contracts/index.ts';
import type { BackboneConfig } from '../backbone/index.ts';
import { readSafetensors, type FloatTensor, type FloatTensors } from '../safetensors.ts';
import { PARAMETER, type Parameters } from './parameters.ts';
import type { VirtualTokenMethod } from './virtual-tokens.ts';

const [CONFIG_FILE, MODEL_FILE] = ADAPTER_FILES;
const METHODS: Readonly<Record<string, VirtualTokenMethod>> = { PROMPT_TUNING: 'prompt', PREFIX_TUNING: 'prefix' };
/** What stands before the module's name differs between versions of PEFT; some models call their classifier "score". */
const CLASSIFIER = /(?:^|\.)(?:classifier|score)\.(weight|bias)$/;

const configSchema = z.looseObject({
  peft_type: z.string(),
  task_type: z.string().nullish(),
  num_virtual_tokens: z.int().positive(),
  num_transformer_submodules: z.int().nullish(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
});

export interface PeftConfig {
  readonly method: VirtualTokenMethod;
  readonly length: number;
  /** What the model was called where it was trained, with its revision if one was named; null when the file does not
   *  say. */
  readonly baseModel: string | null;
}

/** Reads adapter_config.json. @throws BadInput naming file and field, for all that is not prompt or prefix tuning of a
 *  classification model. */
export function readPeftConfig(folder: string): PeftConfig {
  const file = join(folder, CONFIG_FILE);
  const parsed = configSchema.safeParse(readJson(file));
  if (!parsed.success)
    throw new BadInput(
      parsed.error.issues.map(({ path, message }) => ({
        where: at(file, path.join('.')),
        problem: `${message}; is this the folder that PEFT's save_pretrained wrote?`,
      })),
    );
  const {
    peft_type,
    task_type,
    num_virtual_tokens,
    num_transformer_submodules,
    base_model_name_or_path: model = null,
    revision = null,
  } = parsed.data;
  const method = METHODS[peft_type];
  const problems: InputProblem[] = [];
  if (method === undefined)
    problems.push({
      where: at(file, 'peft_type'),
      problem: `"${peft_type}" cannot be imported; only PROMPT_TUNING and PREFIX_TUNING can`,
    });
  if (task_type !== 'SEQ_CLS')
    problems.push({
      where: at(file, 'task_type'),
      problem: `"${task_type ?? 'null'}" has no classifier; train with TaskType.SEQ_CLS`,
    });
  if ((num_transformer_submodules ?? 1) !== 1)
    problems.push({
      where: at(file, 'num_transformer_submodules'),
      problem: `is ${num_transformer_submodules}; an encoder has 1`,
    });
  if (method === undefined || problems.length > 0) throw new BadInput(problems);
  return {
    method,
    length: num_virtual_tokens,
    baseModel: model === null || revision === null ? model : `${model}@${revision}`,
  };
}

/** Reads adapter_model.safetensors, under Rapt's names. @throws BadInput naming file and tensor, when one is missing or
 *  of another shape than the backbone and adapter_config.json need. */
export function readPeftWeights(
  folder: string,
  { method, length }: PeftConfig,
  { embeddingSize, hiddenSize, layers }: BackboneConfig,
): { parameters: Parameters; classes: number } {
  const file = join(folder, MODEL_FILE);
  const tensors = readTensors(file);
  const found = (part: 'weight' | 'bias'): FloatTensor | undefined =>
    Object.entries(tensors).find(([name]) => CLASSIFIER.exec(name)?.[1] === part)?.[1];
  const virtual = tensors[PARAMETER.virtualTokens];
  const [weight, bias] = [found('weight'), found('bias')];
  const classes = bias?.shape[0] ?? weight?.shape[0] ?? 0;
  const wanted = [
    [
      PARAMETER.virtualTokens,
      virtual,
      method === 'prompt' ? [length, embeddingSize] : [length, layers * 2 * hiddenSize],
    ],
    [PARAMETER.headWeight, weight, [classes, hiddenSize]],
    [PARAMETER.headBias, bias, [classes]],
  ] as const;
  const problems = wanted.flatMap(([name, tensor, shape]) => {
    if (tensor === undefined)
      return [{ where: at(file, name), problem: 'is missing; save the adapter with save_pretrained of the PeftModel' }];
    if (tensor.shape.join() === shape.join()) return [];
    return [
      {
        where: at(file, name),
        problem:
          `is ${tensor.shape.join(' x ')}, and backbone and ${CONFIG_FILE} need ${shape.join(' x ')}; ` +
          'name the backbone that it was trained on',
      },
    ];
  });
  if (problems.length === 0 && classes < 2)
    problems.push({ where: at(file, PARAMETER.headBias), problem: `has ${classes} class; at least two are needed` });
  if (problems.length > 0) throw new BadInput(problems);
  return {
    parameters: { [PARAMETER.virtualTokens]: virtual!, [PARAMETER.headWeight]: weight!, [PARAMETER.headBias]: bias! },
    classes,
  };
}

const at = (file: string, field: string): string => `${file}, ${field}`;

function readJson(file: string): unknown {
  if (!existsSync(file))
    throw new BadInput([{ where: file, problem: 'does not exist; give the folder that PEFT wrote' }]);
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new BadInput([{ where: file, problem: 'is not JSON' }]);
  }
}

function readTensors(file: string): FloatTensors {
  if (!existsSync(file))
    throw new BadInput([
      {
        where: file,
        problem:
          'does not exist; ' +
          'an adapter_model.bin is turned into it by loading and saving the adapter with a current PEFT',
      },
    ]);
  try {
    return readSafetensors(file);
  } catch (error) {
    if (!(
      error instanceof RaptError &&
      (error.kind === ErrorKind.corruptArtifact || error.kind === ErrorKind.badInput)
    ))
      throw error;
    throw new BadInput([{ where: file, problem: error.message.replace(`${file} `, '').replace(`${file}: `, '') }]);
  }
}
