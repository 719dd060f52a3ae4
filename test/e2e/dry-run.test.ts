/** What can be known before a release, as a user sees it: one sentence a problem, exit code 2, and a ledger that is as
 *  it was. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONTROL_QUEUE, WORKFLOW_TYPE, type TuningResult } from '../../contracts/index.ts';
import { writeChangedModel } from '../support/changed-model.ts';
import { Probe } from '../support/probe.ts';
import { TestStack } from '../support/stack.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const stack = new TestStack();
const at = (name: string): string => join(stack.home, name);
let probe: Probe;

const ledger = async (): Promise<unknown> => (await stack.json<{ releases: unknown }>(['ledger'])).releases;

function table(name: string, tokens: number): string {
  const wordsOf = (row: number): string =>
    Array.from({ length: tokens }, (_, word) => `w${5 + ((row * 7 + word) % 50)}`).join(' ');
  const rows = Array.from({ length: 60 }, (_, row) => `${wordsOf(row)},${row % 2 === 0 ? 'even' : 'odd'}\n`);
  writeFileSync(at(name), `text,label\n${rows.join('')}`);
  return at(name);
}

const settings = (backbone: string, train: string): Record<string, unknown> => ({
  data: { train },
  backbone,
  tuning: { epochs: 1, batchSize: 16, length: 4, reconstruction: false },
  audit: false,
});

before(
  async () => {
    const { address } = (await stack.json<{ temporal: { address: string } }>(['up'])).temporal;
    probe = await Probe.connect(address, stack.dataConverter());
  },
  { timeout: 400_000 },
);
after(
  async () => {
    await probe.close();
    await stack.remove();
  },
  { timeout: 240_000 },
);

const CASES: Record<string, { readonly backbone: () => string; readonly tokens: number; readonly told: RegExp }> = {
  'a tokenizer with one token more than the embedding table has rows': {
    backbone: () =>
      writeChangedModel(at('token'), {
        tokenizer: ({ added_tokens: added }) => added.push({ ...added[0], id: 60, content: '[EXTRA]', special: false }),
      }),
    tokens: 6,
    told: /tokenizer\.json: has 61 tokens, and the model's embedding table has 60 rows/,
  },
  'texts longer than the positions': {
    backbone: () => writeTinyModel(at('model')),
    tokens: 60,
    told: /data\.maxTokens: lets 60 tokens of a row pass; the backbone has 64 positions.*set it to at most 58/,
  },
};

for (const [what, { backbone, tokens, told }] of Object.entries(CASES))
  test(`${what}: a run ends before its release`, { timeout: 240_000 }, async () => {
    const file = at('tuning.json');
    writeFileSync(file, JSON.stringify(settings(backbone(), table(`${tokens}.csv`, tokens))));
    const earlier = await ledger();
    const { code, stderr } = await stack.rapt('run', '-f', file, '--wait');
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
    assert.deepEqual(await ledger(), earlier);
  });

test(
  'a name that store or client cannot keep is refused by the command and by the run',
  { timeout: 240_000 },
  async () => {
    const file = at('tuning.json');
    writeFileSync(file, JSON.stringify(settings(writeTinyModel(at('model')), table('6.csv', 6))));
    const earlier = await ledger();
    for (const id of ['..', 'a//b', 'x'.repeat(256), 'first/latest.json']) {
      const { code, stderr } = await stack.rapt('run', '-f', file, '--id', id, '--wait');
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--id: must /);
      const handle = await probe.client.workflow.start(WORKFLOW_TYPE.tuning, {
        workflowId: id,
        taskQueue: CONTROL_QUEUE,
        args: [settings(at('model'), at('6.csv'))],
      });
      await assert.rejects(handle.result(), ({ cause }: { cause: Error }) => /^workflow id: must /.test(cause.message));
    }
    for (const command of [
      ['schedule', 'create', 'a//b', '--daily', '03:00'],
      ['extend', 'first', '--epochs', '1', '--id', 'a/../b'],
      ['resume', 'first', '--id', 'a\\b'],
    ]) {
      const { code, stderr } = await stack.rapt(...command);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /id: must /);
    }
    assert.deepEqual(await ledger(), earlier);
  },
);

test(
  "a name in another script, longer than a folder's when it is encoded, goes all the way",
  { timeout: 400_000 },
  async () => {
    const id = '电影评论'.repeat(8).slice(0, 30);
    const file = at('tuning.json');
    writeFileSync(file, JSON.stringify(settings(writeTinyModel(at('model')), table('6.csv', 6))));
    const { workflowId, status } = await stack.json<TuningResult>(['run', '-f', file, '--id', id, '--wait']);
    assert.deepEqual([workflowId, status], [id, 'completed']);
    const { rows } = await stack.json<{ rows: number }>([
      'predict',
      '--run',
      id,
      '--in',
      at('6.csv'),
      '--out',
      at('answers.csv'),
    ]);
    assert.equal(rows, 60);
    assert.equal((await stack.rapt('verify', id)).code, 0);
  },
);
