/** Commands that name a run, on a real Temporal server: which run is meant, and what becomes of it when Temporal has
 *  forgotten it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Context } from '@temporalio/activity';
import { tenantsWithRun, writeRunRecord, writeStartedRecord } from '../../activities/client/records/run-record.ts';
import { startOrAttach } from '../../cli/runs/attach.ts';
import { tenantOfRun } from '../../cli/runs/known-run.ts';
import { planExtension, planResumption, planSuccessor } from '../../cli/runs/plan.ts';
import { withTemporal, type Link } from '../../cli/temporal/connection.ts';
import { find } from '../../cli/temporal/executions.ts';
import {
  BadInput,
  canonicalJson,
  CONTROL_QUEUE,
  keys,
  parseTuningConfig,
  WORKFLOW_TYPE,
  type ClientActivities,
  type OwnResult,
  type Sha256,
  type TuningConfig,
  type TuningInput,
  type TuningResult,
} from '../../contracts/index.ts';
import { readStack } from '../../settings/index.ts';
import { writeRunManifest, type ObjectStore } from '../../storage/index.ts';
import { minioOfFile } from '../support/minio.ts';
import { eventually } from '../support/probe.ts';
import { tuned } from '../support/results.ts';
import { PROGRAM, runProgram, type CommandResult } from '../support/stack.ts';
import { temporaryFolder } from '../support/folder.ts';
import { simpleActivities } from '../workflows/stub-activities.ts';
import { startWorkflowServer, type WorkflowServer } from '../workflows/workflow-server.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');
const clientHome = join(home, 'client');
const { server: minio, store } = await minioOfFile();
let server: WorkflowServer;
let serverHome: string;
const stops: (() => Promise<void>)[] = [];

before(
  async () => {
    server = await startWorkflowServer();
    serverHome = process.env['RAPT_HOME']!;
    const { address } = readStack()!.temporal;
    const { endpoint, accessKey, secretKey, bucket } = minio.options;
    // As the owner's machine has it: servers of somebody else, and a home of its own.
    Object.assign(process.env, {
      RAPT_TEMPORAL_ADDRESS: address,
      RAPT_HOME: home,
      RAPT_S3_ENDPOINT: endpoint,
      RAPT_S3_ACCESS_KEY: accessKey,
      RAPT_S3_SECRET_KEY: secretKey,
      RAPT_S3_BUCKET: bucket,
      RAPT_PLAIN_PAYLOADS: 'accept',
    });
    stops.push(
      await server.activityWorkers({ ...simpleActivities, inspect, register }),
      await server.controlWorker('first'),
    );
    await Promise.all([
      finish('old', { tuning: { epochs: 3 } }),
      finish('newer'),
      finish('remote'),
      finish('remote-2', { tuning: { epochs: 2 } }),
      start('slow-lost', { tuning: { epochs: 4 } }),
    ]);
    await eventually('it is written down', 30_000, () => tenantsWithRun(clientHome, 'slow-lost').length === 1);
    await server.client.workflow.getHandle('slow-lost').terminate();
    // The server takes half a minute for it.
    for (const id of ['old', 'remote', 'slow-lost']) await forget(id);
  },
  { timeout: 400_000 },
);
after(
  async () => {
    for (const stop of stops) await stop();
    // Its processes are written down there.
    process.env['RAPT_HOME'] = serverHome;
    await server.stop();
  },
  { timeout: 240_000 },
);

const inspect: ClientActivities['inspect'] = async (request) => {
  await writeStartedRecord(clientHome, request);
  // A run that is to go on until somebody ends it.
  return request.run.startsWith('slow') ? Context.current().cancelled : { rows: { train: 80, test: 20 } };
};
const register: ClientActivities['register'] = async (request) => {
  const { run, config, adapter, result } = request;
  // What the real one keeps is the owner's own.
  await writeRunRecord(clientHome, config.tenant, run, { config, adapter, result: result as OwnResult });
  await store
    .put(
      keys.runResult(config.tenant, run),
      Buffer.from(canonicalJson({ ...result, report: { uri: result.report.uri } })),
    )
    .then((stored) => manifestOf(store, request, stored));
};
const manifestOf = (
  into: ObjectStore,
  {
    run,
    config,
    code,
    release,
    checkpoint,
    adapter,
    predictions,
    report,
    result,
  }: Parameters<ClientActivities['register']>[0],
  stored: Awaited<ReturnType<ObjectStore['put']>>,
): Promise<void> =>
  writeRunManifest(into, config.tenant, run, {
    format: 'rapt-run/1',
    run,
    runId: result.runId,
    configuration: 'a'.repeat(64) as Sha256,
    code: { ...code, client: 'test' },
    release,
    checkpoint,
    adapter,
    predictions,
    report,
    result: stored,
    resumed: null,
  });

const config = (input: TuningInput = {}): TuningConfig => {
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  return parsed.value;
};
const start = (id: string, input: unknown = {}) =>
  server.client.workflow.start(WORKFLOW_TYPE.tuning, { workflowId: id, taskQueue: CONTROL_QUEUE, args: [input] });
const finish = async (id: string, input: unknown = {}): Promise<TuningResult> =>
  (await (await start(id, input)).result()) as TuningResult;
const asked = <T>(body: (link: Link) => Promise<T>): Promise<T> => withTemporal(body);
const rapt = (...args: string[]): Promise<CommandResult> => runProgram(process.execPath, [PROGRAM, ...args]);

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await rapt(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

/** A run that ended without a result. */
async function ended(id: string, input: unknown = {}): Promise<void> {
  await start(id, input);
  await server.client.workflow.getHandle(id).terminate();
}

/** Has the server remove the run and its history, as it does after the retention time. */
async function forget(id: string): Promise<void> {
  const { runId } = await server.client.workflow.getHandle(id).describe();
  await server.client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: id, runId },
  });
}
const untilForgotten = (id: string): Promise<unknown> =>
  eventually(`${id} is forgotten`, 120_000, () => asked(async (link) => (await find(link, id)) === null));

async function refused(doing: Promise<unknown>): Promise<string> {
  const error = await doing.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error, 'it was not refused');
  return error.message;
}

const executionsOf = async (id: string): Promise<number> => {
  let count = 0;
  for await (const _ of server.client.workflow.list({ query: `WorkflowId = '${id}'` })) count++;
  return count;
};

test(
  'a resumption attaches to itself, and never to an unrelated run that has its name',
  { timeout: 120_000 },
  async () => {
    await ended('broken');
    await asked(async (link) => {
      const planned = await planResumption(link, 'broken', {});
      assert.ok(!('running' in planned));
      assert.deepEqual([planned.id, planned.config.resumeFrom], ['broken-r2', ['broken']]);
      assert.equal((await startOrAttach(link, planned)).attached, false);
      assert.equal((await startOrAttach(link, planned)).attached, true);
    });
    await ended('other');
    await start('other-r2', { tuning: { epochs: 2 } });
    await asked(async (link) => {
      const resume = async (id?: string) =>
        startOrAttach(link, (await planResumption(link, 'other', { id })) as Parameters<typeof startOrAttach>[1]);
      assert.equal(
        await refused(resume()),
        'other-r2: is the name of a run that exists already, and does not go on from other; give the new run ' +
          'another name by --id',
      );
      assert.equal((await resume('other-again')).attached, false);
      assert.match(
        await refused(planSuccessor(link, 'other', config())),
        /^other-r2: is the name of a run that exists already and does not go on from other/,
      );
    });
  },
);

test(
  'an extension by another number of epochs is not taken for the one that exists',
  { timeout: 120_000 },
  async () => {
    await finish('short');
    await asked(async (link) => {
      const extend = async (epochs: number) => startOrAttach(link, await planExtension(link, 'short', epochs, {}));
      assert.equal((await extend(2)).attached, false);
      assert.equal((await extend(2)).attached, true);
      assert.equal(
        await refused(extend(3)),
        'short-r2: is the name of a run that exists already, and goes on from short with another configuration ' +
          '(tuning.extensions); give the new run another name by --id',
      );
    });
  },
);

test(
  'a name given twice attaches to its run, and says that it has ended, when, and what is set otherwise',
  { timeout: 120_000 },
  async () => {
    await finish('twice', { gates: { accuracy: '>=0.1' } });
    const { remarks = [] } = await asked(
      async (link) =>
        (
          await startOrAttach(link, {
            id: 'twice',
            config: config({ tuning: { epochs: 7 }, data: { train: '/secret/place.csv' } }),
            goesOnFrom: null,
          })
        ).run,
    );
    assert.match(
      remarks[0]!,
      /^Shows run twice, which finished on \d{4}-\d\d-\d\d \d\d:\d\d UTC: nothing is tuned now/,
    );
    assert.equal(remarks[1], 'its gates are those that it was started with, not those given now: accuracy>=0.1');
    assert.match(remarks[2]!, /differs in .*data\.train.*tuning\.epochs/);
    assert.ok(!remarks.join().includes('/secret/place.csv'), 'no file is named: a job shows this to others');
    assert.equal(await executionsOf('twice'), 1);
  },
);

test("a run's tenant is found by its name; where two have one of this name, the tenant is asked for", async () => {
  const result = { ...tuned, workflowId: 'theirs' };
  const adapter = { digest: 'c'.repeat(64) as Sha256, files: {} as never };
  await writeRunRecord(clientHome, 'acme-health', 'theirs', {
    config: config({ tenant: 'acme-health' }),
    adapter,
    result,
  });
  assert.equal(tenantOfRun('theirs'), 'acme-health');
  assert.deepEqual(await json('report', '--run', 'theirs'), tuned.report);
  await writeRunRecord(clientHome, 'other', 'theirs', { config: config({ tenant: 'other' }), adapter, result });
  assert.throws(
    () => tenantOfRun('theirs'),
    (error: unknown) =>
      error instanceof BadInput &&
      error.message === '--tenant: is needed: acme-health and other have a run theirs each',
  );
  assert.equal(tenantOfRun('theirs', 'other'), 'other');
  assert.equal(tenantOfRun('nobodys'), 'local');
});

/** Asks, reads what it says until this is heard, and then does something. */
async function predicting(
  args: readonly string[],
  heard: RegExp,
  then: (pid: number) => void = () => undefined,
): Promise<CommandResult> {
  const child = spawn(process.execPath, [PROGRAM, 'predict', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = text(child.stdout);
  let stderr = '';
  let done = false;
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (done || !heard.test(stderr)) return;
    done = true;
    then(child.pid!);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.match(stderr, heard);
  return { code, stdout: await stdout, stderr };
}

const predictionsOf = async (run: string): Promise<string[]> => {
  const statuses: string[] = [];
  for await (const { workflowId, status } of server.client.workflow.list({
    query: `WorkflowType = '${WORKFLOW_TYPE.predict}'`,
  }))
    if (workflowId.startsWith(`${run}-predict-`)) statuses.push(status.name);
  return statuses;
};

test(
  'a prediction says what it waits for, and ends when it is interrupted, with code 130 and nothing left',
  { timeout: 120_000 },
  async () => {
    const adapter = { digest: 'c'.repeat(64) as Sha256, files: {} as never };
    // No client worker serves this tenant.
    await writeRunRecord(clientHome, 'deserted', 'lonely', {
      config: config({ tenant: 'deserted' }),
      adapter,
      result: { ...tuned, workflowId: 'lonely' },
    });
    const waiting = new RegExp(
      'waits for a worker on the task queue rapt-client-deserted; ' +
        'start one with `rapt worker client --tenant deserted`',
    );
    const stopped = await predicting(['--run', 'lonely', '--text', 'a planted text'], waiting, (pid) =>
      process.kill(pid, 'SIGINT'),
    );
    assert.equal(stopped.code, 130);
    assert.match(
      stopped.stderr,
      /interrupted: cancels the prediction[^]*the prediction was cancelled; no answers were written/,
    );
    await eventually('it is cancelled', 30_000, async () => (await predictionsOf('lonely')).join() === 'CANCELLED');
    assert.deepEqual(readdirSync(join(clientHome, 'deserted', 'inbox')), [], 'no text is left');
  },
);

test(
  'a prediction is waited for no longer than it is told: one of a table goes on, one of a text does not',
  { timeout: 120_000 },
  async () => {
    const table = join(folder, 'new.csv');
    mkdirSync(folder, { recursive: true });
    writeFileSync(table, 'text\na film\n');
    const ofTable = await rapt(
      'predict',
      '--run',
      'lonely',
      '--in',
      table,
      '--out',
      join(folder, 'answers.csv'),
      '--timeout',
      '2s',
    );
    assert.equal(ofTable.code, 4, ofTable.stderr);
    assert.match(
      ofTable.stderr,
      /not answered after 2 s; the prediction goes on, and writes its answers when it has them/,
    );
    const ofText = await rapt('predict', '--run', 'lonely', '--text', 'a film', '--timeout', '2s');
    assert.equal(ofText.code, 4, ofText.stderr);
    await eventually(
      'one of them goes on',
      30_000,
      async () => (await predictionsOf('lonely')).sort().join() === 'CANCELLED,CANCELLED,RUNNING',
    );
    assert.equal(
      (await rapt('predict', '--run', 'lonely', '--text', 'a film', '--timeout', 'soon')).stderr.trim(),
      '--timeout: must be a time such as 90s, 20m or 2h, not "soon"',
    );
  },
);

test(
  'a finished run that Temporal has forgotten is shown, compared, watched, extended, and not started a second time',
  { timeout: 240_000 },
  async () => {
    await untilForgotten('old');
    const { metrics } = await finish('other-name');
    const shown = await json<{
      status: string;
      stage: string;
      accuracy: number;
      epoch: number;
      step: number;
      lineage: { release: string };
    }>('show', 'old');
    assert.deepEqual(
      [shown.status, shown.stage, shown.accuracy, shown.epoch, shown.step],
      ['completed', 'done', metrics.test.accuracy, 3, 30],
    );
    assert.equal(shown.lineage.release, 'd'.repeat(64));
    const { runs, settings } = await json<{ runs: { workflowId: string }[]; settings: Record<string, unknown[]> }>(
      'compare',
      'old',
      'newer',
    );
    assert.deepEqual(
      [runs.map(({ workflowId }) => workflowId), settings],
      [['old', 'newer'], { 'tuning.epochs': [3, 5] }],
    );
    assert.equal((await json<TuningResult>('watch', 'old')).metrics.test.accuracy, metrics.test.accuracy);
    const again = await rapt('run', '--id', 'old', '--set', 'data.train=movie-reviews', '--wait', '--json');
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /Shows run old, which finished on .* UTC: nothing is tuned now/);
    assert.match(
      again.stderr,
      /nothing is tuned now[^]*Temporal has forgotten it; this is what the client keeps of it/,
    );
    assert.equal((JSON.parse(again.stdout) as TuningResult).workflowId, 'old');
    assert.equal(await executionsOf('old'), 0, 'no second run has the name');
    assert.match(
      await refused(asked((link) => planResumption(link, 'old', {}))),
      /^run old has completed; .*rapt extend old/,
    );
    const extended = await json<{ workflowId: string; attached: boolean }>('extend', 'old', '--epochs', '2');
    assert.deepEqual(extended, { workflowId: 'old-r2', attached: false });
  },
);

test(
  'a run without a result is resumed after Temporal has forgotten it, by what the client wrote down at its start',
  { timeout: 120_000 },
  async () => {
    await untilForgotten('slow-lost');
    const planned = await asked((link) => planResumption(link, 'slow-lost', {}));
    assert.ok(!('running' in planned));
    assert.deepEqual(
      [planned.id, planned.config.tuning.epochs, planned.config.resumeFrom],
      ['slow-lost-r2', 4, ['slow-lost']],
    );
    const watched = await rapt('watch', 'slow-lost');
    assert.equal(watched.code, 1);
    assert.match(
      watched.stderr,
      /Temporal has forgotten run slow-lost, which ended without a result; `rapt resume slow-lost` goes on/,
    );
  },
);

test(
  'where the client has no record, the store shows the run, and says why it cannot be extended from there',
  { timeout: 120_000 },
  async () => {
    await untilForgotten('remote');
    renameSync(join(clientHome, 'local', 'runs', 'remote'), join(folder, 'away'));
    const shown = await json<{ status: string; lineage: { release: string } }>('show', 'remote');
    assert.deepEqual([shown.status, shown.lineage.release], ['completed', 'd'.repeat(64)]);
    const { runs, settings } = await json<{ runs: { workflowId: string }[]; settings: null }>(
      'compare',
      'remote',
      'remote-2',
    );
    assert.deepEqual([runs.length, settings], [2, null]);
    const refusal = await refused(asked((link) => planExtension(link, 'remote', 1, {})));
    assert.match(refusal, /^run remote is known only to the store, and the store keeps no configurations/);
    assert.match(refusal, /--set resumeFrom=remote/);
    const { run, attached } = await asked((link) =>
      startOrAttach(link, { id: 'remote', config: config(), goesOnFrom: null }),
    );
    assert.equal(attached, true);
    assert.match(run.remarks?.[1] ?? '', /this is what the store keeps of it/);
    const unknown = await rapt('show', 'never-was');
    assert.equal(unknown.code, 2);
    assert.match(
      unknown.stderr,
      /there is no run never-was; .* neither this client nor the store remembers one of this name/,
    );
  },
);

test('a prediction with a run that Temporal has forgotten is answered', { timeout: 120_000 }, async () => {
  const table = join(folder, 'new.csv');
  const finished = await json<{ rows: number }>(
    'predict',
    '--run',
    'old',
    '--in',
    table,
    '--out',
    join(folder, 'answers.csv'),
  );
  assert.equal(finished.rows, 3);
});
