import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../system/index.ts';
import { logLevelFile } from '../../rapt/tensorflow-start.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runProgram, type CommandResult } from '../support/stack.ts';

const PRODUCT = `import { tf } from './rapt/tensorflow.ts';
const matrix = tf.tensor2d([[1, 2], [3, 4]]);
console.log(tf.matMul(matrix, matrix).arraySync().join(' '), tf.topk(matrix, 1).values.arraySync().join(' '));`;

function compute(settings: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TF_'));
  return runProgram(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', PRODUCT],
    { ...Object.fromEntries(own), ...settings },
    projectRoot,
  );
}

test('products come out right, and neither Node nor TensorFlow writes a line of its own', async () => {
  assert.deepEqual(await compute(), { code: 0, stdout: '7,10 15,22 2 4\n', stderr: '' });
});

test('errors of TensorFlow are shown, also one that ends the process', async () => {
  const wrong = await compute({ TF_CPU_ALLOCATOR_USE_BFC: 'perhaps' });
  assert.match(wrong.stderr, /Failed to parse the env-var \$\{TF_CPU_ALLOCATOR_USE_BFC\}/);
  const fatal = await compute({ TF_XLA_FLAGS: '--nonsense' });
  assert.notEqual(fatal.code, 0);
  assert.match(fatal.stderr, /Unknown flag in TF_XLA_FLAGS: --nonsense/);
});

test('the log of TensorFlow is shown when the environment asks for it', async () => {
  assert.match((await compute({ TF_CPP_MIN_LOG_LEVEL: '0' })).stderr, /cpu_feature_guard/);
});

test('the file that sets the log level is found when the binding is a copy instead of a link', (t) => {
  const folder = temporaryFolder();
  const earlier = process.env['RAPT_CACHE'] ?? '';
  process.env['RAPT_CACHE'] = join(folder, 'cache');
  t.after(() => (process.env['RAPT_CACHE'] = earlier));
  const [binding, library] = [join(folder, 'lib', 'napi-v8'), join(folder, 'cache', 'tensorflow-2.21.0')];
  for (const made of [binding, library]) mkdirSync(made, { recursive: true });
  writeFileSync(join(binding, 'tfjs_binding.node'), '');
  assert.equal(logLevelFile(folder), null);
  writeFileSync(join(library, 'rapt-log-level.node'), '');
  assert.equal(logLevelFile(folder), join(library, 'rapt-log-level.node'));
});
