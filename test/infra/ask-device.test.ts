import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { afterEach, test } from 'node:test';
import { askDevice } from '../../infra/index.ts';

const saved = { ...process.env };
afterEach(() => {
  process.env = { ...saved };
});

test('TensorFlow itself is asked on what it runs', async () => {
  process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  const { name, usesGpu, library } = await askDevice();
  assert.equal(usesGpu, false);
  assert.match(name, new RegExp(`^cpu, ${availableParallelism()} cores?$`));
  assert.match(library, /^TensorFlow 2\.21\.0 with(out)? CUDA: \S/);
});

test('a TensorFlow that does not load is one sentence, with the way out', async () => {
  process.env['NODE_OPTIONS'] = '--no-addons';
  await assert.rejects(askDevice(), /^RaptError: TensorFlow does not load \(.+\); run `npm run setup`$/);
});
