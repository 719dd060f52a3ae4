/** What a finished run is used for, on the real servers: predictions that cannot be written, and a run that Temporal
 *  has forgotten. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TuningResult } from '../../contracts/index.ts';
import { eventually, Probe } from '../support/probe.ts';
import { PROGRAM, runProgram, TestStack } from '../support/stack.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const stack = new TestStack();
let address: string;
let probe: Probe;
const at = (name: string): string => join(stack.home, name);
let first: TuningResult;

before(
  async () => {
    writeTinyModel(at('model'));
    const rows = Array.from(
      { length: 120 },
      (_, row) => `w${5 + (row % 20)} w${5 + (row % 7)} w${5 + (row % 11)},${row % 2 === 0 ? 'even' : 'odd'}\n`,
    );
    writeFileSync(at('texts.csv'), `text,label\n${rows.join('')}`);
    writeFileSync(
      at('new.csv'),
      `text\n${rows
        .slice(0, 10)
        .map((row) => row.replace(/,.*/, ''))
        .join('')}`,
    );
    writeFileSync(
      at('tuning.yaml'),
      JSON.stringify({
        tenant: 'acme',
        data: { train: 'texts.csv', maxTokens: 8 },
        backbone: 'model',
        tuning: { epochs: 2, batchSize: 16, length: 2, reconstruction: false },
        audit: false,
      }),
    );
    // The client worker of the configuration's tenant comes with it, and its paths are those beside the file.
    first = await stack.json<TuningResult>(['run', '-f', at('tuning.yaml'), '--id', 'first', '--up', '--wait']);
    ({ address } = (await stack.json<{ temporal: { address: string } }>(['up', '--tenant', 'acme'])).temporal);
    probe = await Probe.connect(address, stack.dataConverter());
    // As after the retention time. The server takes half a minute for it.
    const { runId } = first;
    await probe.client.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: 'first', runId },
    });
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

test(
  "a run's tenant is that of its configuration, here and in the store, and need not be said again",
  { timeout: 120_000 },
  async () => {
    assert.match(first.adapter.uri, /\/adapters\/acme\//);
    assert.ok(
      (await stack.rapt('verify', 'first')).stdout.split('\n').every((line) => line === '' || line.startsWith('✓')),
    );
    assert.match(
      readFileSync((await stack.json<{ path: string }>(['report', '--run', 'first'])).path, 'utf8'),
      /<html/,
    );
  },
);

test(
  'answers that cannot be written end their prediction with one sentence, and the client worker lives on',
  { timeout: 240_000 },
  async () => {
    const worker = await stack.pidOf('client');
    mkdirSync(at('folder.csv'));
    // The worker of another machine, for all that the command knows: what can be written there is found by the worker.
    const elsewhere = {
      ...stack.environment(),
      RAPT_TEMPORAL_ADDRESS: address,
      RAPT_CODEC_KEYS_FILE: stack.keysFile,
      RAPT_OWNER_KEYS_FILE: stack.ownerKeysFile,
    };
    for (const [out, why] of [
      ['/proc/answers.csv', /cannot be written/],
      [at('folder.csv'), /it is a folder/],
    ] as const)
      for (const [place, environment] of [
        [`--out: ${out} `, stack.environment()],
        [`rapt: ${out}: `, elsewhere],
      ] as const) {
        const { code, stderr } = await runProgram(
          process.execPath,
          [PROGRAM, 'predict', '--run', 'first', '--in', at('new.csv'), '--out', out],
          environment,
        );
        assert.equal(code, 2, stderr);
        const told = stderr
          .trim()
          .split('\n')
          .filter((line) => !/^(the texts leave|privatizes the|uploads the|classifies the|writes the)/.test(line));
        assert.equal(told.length, 1, stderr);
        assert.ok(told[0]!.startsWith(place), stderr);
        assert.match(told[0]!, why);
      }
    assert.deepEqual(
      (await stack.json<{ releases: { purpose: string }[] }>(['ledger', '--tenant', 'acme'])).releases.map(
        ({ purpose }) => purpose,
      ),
      ['tuning'],
      'nothing was drawn for them',
    );
    assert.equal(await stack.pidOf('client'), worker);
    const { rows } = await stack.json<{ rows: number }>([
      'predict',
      '--run',
      'first',
      '--in',
      at('new.csv'),
      '--out',
      at('answers.csv'),
    ]);
    assert.equal(rows, 10);
    assert.equal(readFileSync(at('answers.csv'), 'utf8').trim().split('\r\n').length, 11);
  },
);

test('a run that Temporal has forgotten is extended from its checkpoint, and asked', { timeout: 400_000 }, async () => {
  await eventually('it is forgotten', 120_000, () =>
    probe.client.workflow
      .getHandle('first')
      .describe()
      .then(
        () => false,
        () => true,
      ),
  );
  const shown = await stack.json<{ status: string; step: number; lineage: { adapter: string } }>(['show', 'first']);
  assert.deepEqual([shown.status, shown.lineage.adapter], ['completed', first.adapter.sha256]);
  const extended = await stack.json<TuningResult>(['extend', 'first', '--epochs', '1', '--wait']);
  assert.equal(extended.workflowId, 'first-r2');
  assert.match(
    extended.resumed ?? '',
    new RegExp(`resumed at step ${shown.step} of ${shown.step * 1.5} from run first`),
  );
  assert.equal(extended.release.sha256, first.release.sha256);
  const { prediction } = await stack.json<{ prediction: string }>(['predict', '--run', 'first', '--text', 'w5 w6 w7']);
  assert.ok(['even', 'odd'].includes(prediction));
});
