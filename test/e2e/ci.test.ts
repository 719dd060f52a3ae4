/** The jobs of CI systems, with their steps run as the systems do, on the real servers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toldShare } from '../../rapt/evaluation/index.ts';
import { CONTROL_QUEUE, WORKFLOW_TYPE, type TuningResult } from '../../contracts/index.ts';
import { RunningJob, type Finished } from '../support/action-runner.ts';
import { expandGitlab, variablesOf } from '../support/gitlab.ts';
import { readJunit, type Report } from '../support/junit.ts';
import { eventually, Probe } from '../support/probe.ts';
import { writeSmallBackbone } from '../support/small-backbone.ts';
import { runProgram, TestStack } from '../support/stack.ts';
import { writeSentences } from './reviews.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stack = new TestStack();
const workspace = mkdtempSync(join(tmpdir(), 'rapt-workspace-'));
let probe: Probe;
let address: string;

const CONFIG = {
  data: { train: 'texts.tsv', maxTokens: 24 },
  backbone: join(workspace, 'backbone'),
  tuning: { epochs: 1, batchSize: 8, length: 4, checkpointEverySteps: 4, reconstruction: false },
  audit: ['bayes'],
};
/** Many steps of few tokens, so that there is time to interrupt them. */
const LONG = 'tuning.epochs=30\naudit=false';
const FILES = ['junit.xml', 'outputs.env', 'report.html', 'result.json', 'summary.md'];

before(
  async () => {
    await writeSmallBackbone(CONFIG.backbone);
    writeSentences(join(workspace, 'texts.tsv'), 0, 140);
    writeFileSync(join(workspace, 'tuning.yaml'), JSON.stringify(CONFIG));
    ({
      temporal: { address },
    } = await stack.json<{ temporal: { address: string } }>(['up']));
    await stack.json(['policy', 'allow', '-f', join(workspace, 'tuning.yaml')]);
    probe = await Probe.connect(address, stack.dataConverter());
  },
  { timeout: 400_000 },
);
after(
  async () => {
    await probe.close();
    await stack.remove();
    rmSync(workspace, { recursive: true, force: true });
  },
  { timeout: 400_000 },
);

const commit = (number: number): string => String(number).repeat(40);
const environment = (sha: string): NodeJS.ProcessEnv => ({
  ...stack.environment(),
  GITHUB_REPOSITORY: 'acme/texts',
  GITHUB_SHA: sha,
});
const start = (sha: string, inputs: Readonly<Record<string, string>>): RunningJob =>
  new RunningJob({
    action: join(root, 'action.yml'),
    workspace,
    inputs: { config: 'tuning.yaml', ...inputs },
    env: environment(sha),
  });
const run = (sha: string, inputs: Readonly<Record<string, string>>): Promise<Finished> => start(sha, inputs).finished;

const kept = (name: string): string => readFileSync(join(workspace, 'rapt', name), 'utf8');
const junit = (): Report => readJunit(kept('junit.xml'));
const outcomes = (): Record<string, string> =>
  Object.fromEntries(Object.entries(junit().cases).map(([name, { outcome }]) => [name, outcome]));
const result = (): TuningResult => JSON.parse(kept('result.json')) as TuningResult;
const statusOf = async (id: string): Promise<string> =>
  (await probe.client.workflow.getHandle(id).describe()).status.name;

/** Waits until a run that a job is about to start has trained for so many steps. */
async function untilStep(id: string, step: number): Promise<number> {
  await eventually(`run ${id} is started`, 60_000, () => statusOf(id).catch(() => null));
  return probe.untilStep(id, step);
}

let first: { readonly job: Finished; readonly result: TuningResult };

test(
  'a job whose gates hold is green, tells its outputs, shows the result, and keeps report, JUnit and JSON',
  { timeout: 600_000 },
  async () => {
    const job = await run(commit(1), { gates: 'accuracy >= 0.01\n\n  bayes <= 1\n' });
    assert.equal(job.code, 0, job.log);
    first = { job, result: result() };
    const { metrics, adapter, report, release, gates, training } = first.result;
    assert.match(job.outputs['run-id']!, /^acme-texts-111111111111-[0-9a-f]{8}$/);
    assert.deepEqual(job.outputs, {
      'run-id': first.result.workflowId,
      passed: 'true',
      accuracy: String(metrics.test.accuracy),
      'adapter-uri': adapter.uri,
      'adapter-sha256': adapter.sha256,
      report: 'rapt/report.html',
    });
    assert.deepEqual(job.uploads, [{ name: `rapt-${first.result.workflowId}`, files: FILES }]);
    assert.equal(kept('report.html'), readFileSync(report.path, 'utf8'));
    assert.deepEqual(
      gates.map(({ gate, passed, bound }) => [gate, passed, bound]),
      [
        ['accuracy>=0.01', true, 0.01],
        ['bayes<=1', true, 1],
      ],
    );
    assert.deepEqual(outcomes(), {
      'rapt run': 'passed',
      'rapt.gate accuracy>=0.01': 'passed',
      'rapt.gate bayes<=1': 'passed',
    });
    assert.deepEqual(junit().properties, {
      run: first.result.workflowId,
      accuracy: String(metrics.test.accuracy),
      mechanism: 'exponential',
      eta: '14',
      adapter: adapter.sha256,
      release: release.sha256,
      report: report.uri,
    });
    assert.ok(training!.curve.length >= 2);
    for (const part of ['all 2 gates hold', 'How private', 'Training loss', "Bayes' rule", 'xychart-beta'])
      assert.ok(job.summary.includes(part), `${part} is not in\n${job.summary}`);
  },
);

test('what a job prints has no bars and no control characters, and tells how the run gets on', () => {
  assert.match(first.job.log, /^started run .*\n(.*\n)*train: /m);
  assert.doesNotMatch(first.job.log.replaceAll('\n', ''), /[\u0000-\u001f\u007f]/);
});

test('a job that is repeated attaches to its run and starts no second one', { timeout: 240_000 }, async () => {
  // As where the client worker is on another machine: the report comes from the store.
  const { path } = first.result.report;
  const page = readFileSync(path, 'utf8');
  renameSync(path, `${path}.away`);
  const job = await run(commit(1), { gates: 'accuracy >= 0.01\n\n  bayes <= 1\n' });
  renameSync(`${path}.away`, path);
  assert.equal(job.code, 0, job.log);
  assert.deepEqual(job.outputs, first.job.outputs);
  // Nobody is to take it for a new one.
  for (const told of [job.log, job.summary])
    assert.match(told, new RegExp(`Shows run ${first.result.workflowId}, which finished on \\d{4}-\\d\\d-\\d\\d`));
  assert.doesNotMatch(first.job.summary, /Shows run/);
  assert.equal(kept('report.html'), page);
  assert.equal(result().runId, first.result.runId);
  const executions: string[] = [];
  for await (const { runId } of probe.client.workflow.list({ query: `WorkflowType = '${WORKFLOW_TYPE.tuning}'` }))
    executions.push(runId);
  assert.deepEqual(executions, [first.result.runId]);
  const asked = await stack.rapt(
    'run',
    '-f',
    join(workspace, 'tuning.yaml'),
    '--set',
    `data.train=${join(workspace, 'texts.tsv')}`,
    '--id',
    first.result.workflowId,
    '--gate',
    'accuracy>=0.99',
    '--wait',
  );
  assert.equal(asked.code, 0, asked.stderr);
  assert.match(
    asked.stderr,
    /its gates are those that it was started with, not those given now: accuracy>=0\.01, bayes<=1/,
  );
});

test(
  'a gate against the baseline run that is missed makes the job red with code 3, and one that holds does not',
  { timeout: 600_000 },
  async () => {
    const baseline = first.result.workflowId;
    const job = await run(commit(2), {
      baseline,
      gates: 'accuracy >= baseline - 0.01\naccuracy >= baseline + 0.01\n',
      set: 'audit=false',
    });
    assert.equal(job.code, 3, job.log);
    const { accuracy, n } = first.result.metrics.test;
    // Gates are held against what is told.
    const told = toldShare(accuracy!, n);
    const { workflowId, gates, adapter, baselines } = result();
    assert.notEqual(workflowId, baseline);
    assert.equal(adapter.sha256, first.result.adapter.sha256, 'the same tuning');
    assert.deepEqual(
      gates.map(({ gate, passed, baseline }) => [gate, passed, baseline]),
      [
        ['accuracy>=baseline-0.01', true, { run: first.result.workflowId, value: told }],
        ['accuracy>=baseline+0.01', false, { run: first.result.workflowId, value: told }],
      ],
    );
    for (const [at, offset] of [
      [0, -0.01],
      [1, 0.01],
    ] as const)
      assert.ok(Math.abs(gates[at]!.bound! - (told + offset)) < 1e-9);
    assert.deepEqual(baselines?.named, { run: baseline, accuracy });
    assert.deepEqual(outcomes(), {
      'rapt run': 'passed',
      'rapt.gate accuracy>=baseline-0.01': 'passed',
      'rapt.gate accuracy>=baseline+0.01': 'failure',
    });
    assert.match(job.summary, /1 of 2 gates missed/);
    assert.deepEqual([job.outputs['passed'], job.outputs['accuracy']], ['false', String(accuracy)]);
    assert.deepEqual(
      job.uploads.map(({ files }) => files),
      [FILES],
    );
  },
);

test(
  'a baseline that does not exist is refused with one line, before anything is started',
  { timeout: 400_000 },
  async () => {
    const job = await run(commit(3), {
      'run-id': 'never-started',
      baseline: 'never-ran',
      gates: 'accuracy >= baseline',
    });
    assert.equal(job.code, 2);
    const told = 'baseline: run never-ran has not finished on this client (tenant local); give the id of one that has';
    assert.equal(
      job.log
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('set-up'))
        .at(-1),
      told,
    );
    assert.equal(junit().cases['rapt run']!.text, told);
    assert.match(job.summary, /was refused/);
    await assert.rejects(statusOf('never-started'));
    // Where the client is another machine, it is the run itself that finds out, before it draws anything.
    const input = {
      ...CONFIG,
      data: { ...CONFIG.data, train: join(workspace, 'texts.tsv') },
      baseline: first.result.workflowId,
      gates: { learned: '<= baseline', accuracy: '>= 0' },
    };
    const failed = (config: unknown) =>
      probe.client.workflow
        .execute(WORKFLOW_TYPE.tuning, {
          workflowId: `by-client-${Math.random()}`,
          taskQueue: CONTROL_QUEUE,
          args: [config],
        })
        .then(
          () => '',
          (error: unknown) => rootMessage(error),
        );
    assert.equal(await failed({ ...input, baseline: 'never-ran' }), told);
    assert.equal(
      await failed(input),
      `gates.learned: was not measured in the baseline run ${first.result.workflowId}, or is not told of it; ` +
        'choose another run, or a number',
    );
  },
);

test(
  "a job that asks for more than the owner's policy allows is red, with code 2 and a sentence",
  { timeout: 400_000 },
  async () => {
    writeSentences(join(workspace, 'others.tsv'), 150, 180);
    // Servers elsewhere, as for the command: there the job is not the owner.
    const elsewhere = {
      RAPT_TEMPORAL_ADDRESS: address,
      RAPT_CODEC_KEYS_FILE: stack.keysFile,
      RAPT_OWNER_KEYS_FILE: stack.ownerKeysFile,
    };
    const inputs = {
      config: 'tuning.yaml',
      'run-id': 'proposed',
      set: 'data.train=others.tsv\nprivacy.mechanism=none',
    };
    const job = await new RunningJob({
      action: join(root, 'action.yml'),
      workspace,
      inputs,
      env: { ...environment(commit(7)), ...elsewhere },
    }).finished;
    assert.equal(job.code, 2, job.log);
    const told =
      "data.train: is not among the tables of the owner's policy; `rapt policy allow` on the client's machine " +
      'changes that';
    assert.ok(job.log.includes(told), job.log);
    assert.ok(junit().cases['rapt run']!.text.includes(told));
    const { releases } = await stack.json<{ releases: unknown[] }>(['ledger']);
    assert.equal(releases.length, 1, 'of the job before');
  },
);

function rootMessage(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? rootMessage(error.cause) : (error as Error).message;
}

test(
  'a job that is terminated cancels its run, and repeated it goes on from the checkpoint',
  { timeout: 600_000 },
  async () => {
    const inputs = { 'run-id': 'stopped', set: LONG, gates: 'accuracy >= 0.01' };
    const job = start(commit(4), inputs);
    const from = await untilStep('stopped', 6);
    const step = job.process;
    const at = Date.now();
    step.kill('SIGTERM');
    await once(step, 'close');
    const seconds = (Date.now() - at) / 1000;
    assert.ok(seconds < 7.5, `the step ended ${seconds} s after the signal; GitHub kills it after 10`);
    const { code, outputs, summary, uploads } = await job.finished;
    assert.equal(code, 130);
    assert.equal(await statusOf('stopped'), 'CANCELLED');
    assert.deepEqual(outcomes(), { 'rapt run': 'error', 'rapt.gate accuracy>=0.01': 'skipped' });
    assert.match(summary, /was cancelled/);
    assert.deepEqual([outputs['run-id'], outputs['passed'], outputs['accuracy']], ['stopped', 'false', '']);
    assert.deepEqual(
      uploads.map(({ files }) => files),
      [FILES.filter((file) => file !== 'report.html')],
    );
    const again = await run(commit(4), inputs);
    assert.equal(again.code, 0, again.log);
    assert.equal(again.outputs['run-id'], 'stopped-r2');
    assert.match(again.log, /run stopped ended without a result: cancelled/);
    assert.match(again.log, /train: .*step \d+ of \d+, epoch .*loss \d/);
    assert.ok(
      Number(/resumed at step (\d+) of \d+ from run stopped/.exec(result().resumed ?? '')?.[1]) >= from,
      result().resumed ?? 'not resumed',
    );
  },
);

test(
  'a job that is cancelled leaves its run when told so; repeated it waits for it, and gives up waiting in time',
  { timeout: 600_000 },
  async () => {
    const inputs = { 'run-id': 'left', set: LONG, 'on-cancel': 'leave' };
    const job = start(commit(5), inputs);
    await untilStep('left', 3);
    assert.deepEqual(await job.cancel(), ['SIGINT']);
    assert.equal((await job.finished).code, 130);
    assert.equal(await statusOf('left'), 'RUNNING');
    assert.match(junit().cases['rapt run']!.message, /goes on/);
    const { runId } = await probe.client.workflow.getHandle('left').describe();
    assert.equal((await stack.rapt('pause', 'left')).code, 0);
    const late = await run(commit(5), { ...inputs, timeout: '1s' });
    assert.equal(late.code, 4, late.log);
    assert.equal(junit().cases['rapt run']!.message, 'the run has not ended in time');
    assert.deepEqual(JSON.parse(kept('result.json')), {
      workflowId: 'left',
      status: 'running',
      error: 'not ended after 1 s; the run goes on. `rapt watch left` shows it, `rapt cancel left` ends it',
    });
    assert.equal((await stack.rapt('continue', 'left')).code, 0);
    const again = await run(commit(5), inputs);
    assert.equal(again.code, 0, again.log);
    assert.equal(result().runId, runId);
  },
);

test(
  'a job of GitLab does the same by the same script, and cancels its run afterwards where no signal came',
  { timeout: 400_000 },
  async () => {
    const include = JSON.stringify([
      {
        local: 'ci/gitlab.yml',
        inputs: {
          config: 'tuning.yaml',
          gates: 'accuracy >= 0.01',
          'run-id': 'on-gitlab',
          set: 'audit=false',
          artifacts: 'kept',
          folder: root,
        },
      },
    ]);
    const { rapt: job } = await expandGitlab(`include: ${include}\n`, join(root, 'ci', 'gitlab.yml'));
    const variables = {
      ...stack.environment(),
      ...variablesOf(job!),
      CI_PROJECT_PATH: 'acme/group/texts',
      CI_COMMIT_SHA: commit(6),
    };
    const script = (lines: readonly string[], env = {}) =>
      runProgram('bash', ['-e', '-o', 'pipefail', '-c', `cd '${workspace}'\n${lines.join('\n')}`], {
        ...variables,
        ...env,
      });
    const { code, stdout, stderr } = await script([...job!.before_script, ...job!.script]);
    assert.equal(code, 0, stdout + stderr);
    const { junit: report, dotenv } = job!.artifacts.reports;
    assert.equal(
      readJunit(readFileSync(join(workspace, report), 'utf8')).cases['rapt.gate accuracy>=0.01']!.outcome,
      'passed',
    );
    const lines = readFileSync(join(workspace, dotenv), 'utf8').trim().split('\n');
    for (const line of lines) assert.match(line, /^[a-z0-9_]+=\S*$/);
    assert.equal(new Set(lines.map((line) => line.split('=')[0])).size, lines.length, 'each variable once');
    assert.ok(lines.includes('rapt_passed=true'));
    assert.deepEqual(readdirSync(join(workspace, 'kept')).sort(), FILES);
    await probe.client.workflow.start(WORKFLOW_TYPE.tuning, {
      workflowId: 'unheard',
      taskQueue: CONTROL_QUEUE,
      args: [
        {
          ...CONFIG,
          data: { ...CONFIG.data, train: join(workspace, 'texts.tsv') },
          tuning: { ...CONFIG.tuning, epochs: 500 },
        },
      ],
    });
    writeFileSync(join(workspace, dotenv), 'rapt_run_id=unheard\n');
    const cancelled = await script(job!.after_script, { CI_JOB_STATUS: 'canceled' });
    assert.equal(cancelled.code, 0, cancelled.stderr);
    assert.equal(await statusOf('unheard'), 'CANCELLED');
  },
);
