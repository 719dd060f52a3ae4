/** A malicious provider on the real stack: it has Temporal, the object store and the keys of its own workers. What it
 *  asks the owner's client and the GPU worker for is refused, and nothing of the owner's tables is anywhere that it can
 *  read. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONTROL_QUEUE, keys, MANIFEST_FILE, WORKFLOW_TYPE } from '../../contracts/index.ts';
import { readKeysFile } from '../../settings/index.ts';
import { temporalBinary } from '../../infra/setup/index.ts';
import { dataConverter } from '../../workers/data-converter.ts';
import { writeSentences } from '../e2e/reviews.ts';
import { alterManifest, forgeries, replay, type Known } from '../support/forgeries.ts';
import { Forger } from '../support/forger.ts';
import { eventually, Probe } from '../support/probe.ts';
import { writeSmallBackbone } from '../support/small-backbone.ts';
import { runProgram, TestStack } from '../support/stack.ts';

const stack = new TestStack();
const at = (name: string): string => join(stack.home, name);
/** In each text of a table that nobody may have. */
const PLANTED = 'qzvortex';
const input = {
  data: { train: at('mine.tsv'), maxTokens: 24 },
  backbone: at('backbone'),
  tuning: { epochs: 1, batchSize: 8, length: 4, reconstruction: false as const },
  audit: ['bayes'] as 'bayes'[],
};
let address: string;
let owner: Probe;
let provider: Probe;
let forger: Forger;
let known: Known;
let runId: string;

before(
  async () => {
    await writeSmallBackbone(input.backbone);
    writeSentences(input.data.train, 0, 90);
    writeFileSync(
      at('secret.csv'),
      `text,label\n${Array.from({ length: 30 }, (_, row) => `${PLANTED} number ${row} is ` + `private,${row % 2}`).join(
        '\n',
      )}\n`,
    );
    writeFileSync(at('letters.csv'), 'mine');
    writeFileSync(at('tuning.json'), JSON.stringify(input));
    ({
      temporal: { address },
    } = await stack.json<{ temporal: { address: string } }>(['up']));
    owner = await Probe.connect(address, stack.dataConverter());
    // The keys of its workers, and no key of the owner.
    const providers = dataConverter(readKeysFile(stack.keysFile));
    provider = await Probe.connect(address, providers);
    forger = await Forger.start(provider.client, address, providers);
    await stack.json(['run', '-f', at('tuning.json'), '--id', 'mine', '--wait']);
    ({ runId } = await owner.client.workflow.getHandle('mine').describe());
    const { releases } = await stack.json<{ releases: { localKey: string; released: { digest: string } }[] }>([
      'ledger',
    ]);
    const [
      {
        localKey,
        released: { digest },
      },
    ] = releases as [(typeof releases)[number]];
    const store = stack.store();
    const key = keys.releasePrefix('local', digest as never) + MANIFEST_FILE;
    const sizeBytes = (await store.read(key))!.body.length;
    known = {
      run: 'mine',
      input,
      localKey,
      release: { digest, manifest: { bucket: store.bucket, key, sha256: digest, sizeBytes } },
      secret: at('secret.csv'),
      victim: at('letters.csv'),
    };
  },
  { timeout: 500_000 },
);
after(
  async () => {
    await forger.stop();
    await owner.close();
    await provider.close();
    await stack.remove();
  },
  { timeout: 400_000 },
);

/** Why a run ended, as its owner reads it. */
const failureOf = async (id: string): Promise<string> => {
  let at: unknown = await owner.result(id).then(
    () => new Error('it was done'),
    (error: unknown) => error,
  );
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return (at as Error).message;
};
const releases = async (): Promise<number> => (await stack.json<{ releases: unknown[] }>(['ledger'])).releases.length;

test(
  'whoever can start a workflow starts one on a table of the owner, without noise: it is refused in one sentence',
  { timeout: 240_000 },
  async () => {
    const asked = JSON.stringify({ data: { train: at('secret.csv') }, privacy: { mechanism: 'none' } });
    const start = [
      'workflow',
      'start',
      '--address',
      address,
      '--type',
      WORKFLOW_TYPE.tuning,
      '--task-queue',
      CONTROL_QUEUE,
      '--workflow-id',
      'by-anybody',
      '--input',
      asked,
    ];
    const { code, stderr } = await runProgram(temporalBinary(), start);
    assert.equal(code, 0, stderr);
    assert.equal(
      await failureOf('by-anybody'),
      "data.train: is not among the tables of the owner's policy; `rapt policy allow` on the client's machine " +
        'changes that',
    );
    assert.equal(await releases(), 1);
  },
);

test(
  "an input that was copied into another run is refused, though it is the owner's own",
  { timeout: 240_000 },
  async () => {
    await replay(provider.client, 'mine', 'replayed');
    const ended = await eventually('the run has ended, or says what stops it', 60_000, async () => {
      const { status, raw } = await provider.client.workflow.getHandle('replayed').describe();
      const attempts = raw.pendingWorkflowTask?.attempt ?? 0;
      return status.name !== 'RUNNING' || attempts > 1 ? status.name : null;
    });
    assert.notEqual(ended, 'COMPLETED');
    const history = await provider.client.workflow.getHandle('replayed').fetchHistory();
    assert.equal(
      history.events!.filter(({ activityTaskCompletedEventAttributes: done }) => done).length,
      0,
      'nothing was done for it',
    );
    if (ended === 'RUNNING') await provider.client.workflow.getHandle('replayed').terminate();
  },
);

test(
  'activities that the provider calls by workflows of its own are refused, each for what is wrong with it',
  { timeout: 400_000 },
  async (t) => {
    for (const { what, workflowId, forged, refused } of forgeries(known)) {
      const answer = await forger.ask(workflowId, forged);
      assert.ok('refused' in answer, `${what} was done: ${JSON.stringify(answer)}`);
      // The owner's keys open what the provider cannot read.
      const said = /^sealed:/.test(answer.refused) ? await failureOf(workflowId) : answer.refused;
      assert.match(said, refused, what);
      t.diagnostic(`${what}: refused`);
    }
    assert.equal(await releases(), 1);
    assert.equal(readFileSync(at('letters.csv'), 'utf8'), 'mine');
  },
);

test('a manifest that the provider altered is not trained on', { timeout: 240_000 }, async () => {
  const restore = await alterManifest(stack.store(), 'local', known.release.digest);
  const request = {
    run: 'altered',
    tenant: 'local',
    release: known.release,
    backbone: input.backbone,
    tuning: { ...input.tuning },
    untilStep: null,
    resumeFrom: [],
  };
  const answer = await forger.ask('altered', { activity: 'train', taskQueue: 'rapt-gpu', request });
  await restore();
  assert.ok(
    'refused' in answer && /not whole in the store|digest|corrupt/i.test(answer.refused),
    JSON.stringify(answer),
  );
});

test(
  'nothing of the table is in the store, and what the provider reads of histories has no path',
  { timeout: 240_000 },
  async () => {
    const store = stack.store();
    let searched = 0;
    for await (const { key } of store.list('')) {
      const { body } = (await store.read(key))!;
      searched += body.length;
      assert.ok(!body.includes(PLANTED) && !body.includes('mine.tsv'), key);
    }
    assert.ok(searched > 10_000, `${searched} bytes`);
    const { events } = await provider.client.workflow.getHandle('mine', runId).fetchHistory();
    const [codec] = provider.client.options.loadedDataConverter.payloadCodecs;
    const [payload] = await codec!.decode(events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!);
    const seen = Buffer.from(payload!.data!).toString();
    assert.ok(seen.includes('"sealed:') && !seen.includes('mine.tsv'), 'the table is sealed');
  },
);
