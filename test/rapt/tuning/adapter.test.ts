import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_BACKBONE,
  DEFAULT_BACKBONE_ON_HUB,
  DEFAULT_BACKBONE_SHA256,
  type Sha256,
} from '../../../contracts/index.ts';
import { readBackboneConfig } from '../../../rapt/backbone/index.ts';
import { encodeAdapter, PARAMETER } from '../../../rapt/tuning/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TINY, writeTinyModel } from '../../support/tiny-model.ts';
import { guarantee } from '../release/fakes.ts';

const shape = readBackboneConfig(writeTinyModel(temporaryFolder()));
const zeros = (...sizes: number[]) => ({
  shape: sizes,
  values: new Float32Array(sizes.reduce((product, size) => product * size)),
});
const parameters = {
  [PARAMETER.virtualTokens]: zeros(2, TINY.hidden),
  [PARAMETER.headWeight]: zeros(2, TINY.hidden),
  [PARAMETER.headBias]: zeros(2),
};
const ours = DEFAULT_BACKBONE_SHA256 as Sha256;
const others = '0'.repeat(64) as Sha256;

function baseOf(name: string, sha256: Sha256): { base_model_name_or_path: string; revision?: string } {
  const card = {
    format: 'rapt-adapter/1',
    backbone: { name, sha256 },
    method: 'prompt',
    length: 2,
    pooling: 'mean',
    classes: ['a', 'b'],
    pair: false,
    maxTokens: 8,
    plain: false,
    guarantee,
  } as const;
  const { base_model_name_or_path, revision } = JSON.parse(
    encodeAdapter(parameters, { ...card, classes: [...card.classes] }, shape)['adapter_config.json'].toString(),
  ) as ReturnType<typeof baseOf>;
  return revision === undefined ? { base_model_name_or_path } : { base_model_name_or_path, revision };
}

test("an adapter names its model as the hub does: the set-up's wherever it lies, others with a revision", () => {
  assert.deepEqual(baseOf(DEFAULT_BACKBONE, ours), { base_model_name_or_path: DEFAULT_BACKBONE_ON_HUB });
  assert.deepEqual(baseOf('MiniLM', ours), { base_model_name_or_path: DEFAULT_BACKBONE_ON_HUB });
  assert.deepEqual(baseOf('FacebookAI/xlm-roberta-base', others), {
    base_model_name_or_path: 'FacebookAI/xlm-roberta-base',
  });
  assert.deepEqual(baseOf('org/model@v2', others), { base_model_name_or_path: 'org/model', revision: 'v2' });
});

test("a model of one's own keeps the name of its folder", () => {
  assert.deepEqual(baseOf('ours', others), { base_model_name_or_path: 'ours' });
});
