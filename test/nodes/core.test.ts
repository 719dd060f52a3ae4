/** The core of the suite on every version of Node that Rapt says it runs on: the same packages, the same binding of
 *  TensorFlow. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { projectRoot } from '../../system/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NODES, nodeProgram } from '../support/nodes.ts';
import { PROGRAM, runProgram, type CommandResult } from '../support/stack.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** TensorFlow itself, the mechanisms, the encoder's forward and backward pass, training and its checkpoints, tables,
 *  stored checkpoints. */
const CORE = [
  'rapt/tensorflow',
  'rapt/privacy/mechanisms',
  'rapt/backbone/encoder',
  'rapt/tuning/gradients',
  'rapt/tuning/trainer',
  'rapt/data/folder',
  'activities/checkpoints',
];

const folder = temporaryFolder();
const model = writeTinyModel(join(folder, 'model'));
const texts = join(folder, 'texts.csv');
writeFileSync(texts, 'text\nw5 w6 w7\nw8 w9\n');

test('each line of Node that the package allows is among those tried, its oldest version too', () => {
  const { engines } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const majors = NODES.map(({ version }) => Number(version.split('.')[0]));
  assert.deepEqual(majors, [20, 22, 24, 26]);
  assert.equal(engines.node, `^${NODES[0]!.version} || >=22.12.0`);
});

for (const { name, version } of NODES)
  describe(`on Node ${version}`, () => {
    /** As a user has it who has set nothing, without what the test runner says to its own processes. */
    const environment = (): NodeJS.ProcessEnv => {
      const own = Object.entries(process.env).filter(
        ([variable]) => !/^(NODE_|TF_|TSX_|npm_|RAPT_HOME)/.test(variable),
      );
      return { ...Object.fromEntries(own), RAPT_HOME: join(folder, `home-${version}`) };
    };
    const node = async (...args: string[]): Promise<CommandResult> =>
      runProgram(await nodeProgram(name), args, environment(), projectRoot);

    it('the program is of this version', async () => {
      assert.equal((await node('--version')).stdout, `v${version}\n`);
    });

    it('the core of the suite passes', { timeout: 600_000 }, async (t) => {
      const { code, stdout, stderr } = await node('--import', 'tsx', 'test/run.ts', ...CORE);
      assert.equal(code, 0, stdout + stderr);
      const count = (what: string): number => Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(stdout)?.[1]);
      assert.equal(count('files'), CORE.length);
      assert.ok(count('pass') > 50 && count('pass') === count('tests'), stdout);
      assert.equal(stderr, '');
      t.diagnostic(`${count('pass')} tests`);
    });

    it(
      'calibrate and privatize print their answer, and nothing else comes to the terminal',
      { timeout: 120_000 },
      async () => {
        const calibrated = await node(PROGRAM, 'calibrate', '--backbone', model, '--unchanged', '0.3');
        assert.deepEqual(
          {
            ...calibrated,
            stdout: calibrated.stdout.replace(/^exponential +[\d.]+ +30\.0 %\nlaplace +[\d.]+ +30\.0 %$/m, 'both'),
          },
          { code: 0, stdout: 'mechanism    eta    unchanged\nboth\n', stderr: '' },
        );
        const out = join(folder, `${version}.csv`);
        const privatized = await node(PROGRAM, 'privatize', '--backbone', model, '--in', texts, '--out', out, '--json');
        assert.deepEqual(
          [privatized.code, privatized.stderr, (JSON.parse(privatized.stdout) as { rows: number }).rows],
          [0, '', 2],
        );
        assert.match(readFileSync(out, 'utf8'), /^row,text\r\n0,(w\d+ ?){3}\r\n1,(w\d+ ?){2}\r\n$/);
      },
    );

    it('the workflows are bundled, and replay recorded runs', { timeout: 240_000 }, async () => {
      assert.deepEqual(await node('--import', 'tsx', 'test/nodes/replay.ts'), {
        code: 0,
        stdout: '3 runs replayed\n',
        stderr: '',
      });
    });
  });
