import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { activityInfo, cancelled, Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { DeterminismViolationError } from '@temporalio/workflow';
import { bundleWorkflowCode, Runtime, Worker } from '@temporalio/worker';
import { atBoundary } from '../../activities/boundary.ts';
import { untilPending } from '../support/pending-activity.ts';
import {
  CONTINUE_UPDATE,
  CONTROL_QUEUE,
  ErrorKind,
  NOTICES_WANTED_SIGNAL,
  PAUSE_UPDATE,
  PROGRESS_QUERY,
  RaptError,
  searchAttributes,
  WORKFLOW_TYPE,
  type RunProgress,
  type TuningResult,
} from '../../contracts/index.ts';
import { waitsFor } from '../../cli/runs/wait-reason.ts';
import { withTemporal } from '../../cli/temporal/connection.ts';
import { queryProgress } from '../../cli/temporal/executions.ts';
import {
  CREDENTIALS_PATH,
  grantFor,
  keysFrom,
  newToken,
  startCredentialServer,
  type Grant,
  type Role,
} from '../../storage/index.ts';
import { eventually } from '../support/probe.ts';
import { bundledWorkflows } from '../../workers/bundle.ts';
import { runSinks } from '../../workers/run-sinks.ts';
import { simpleActivities, STEPS_PER_EPOCH } from './stub-activities.ts';
import { HISTORIES, historyFiles } from './histories.ts';
import { PATHS } from './run-paths.ts';
import { startWorkflowServer, type Activities, type WorkflowServer } from './workflow-server.ts';

let server: WorkflowServer;
before(
  async () => {
    server = await startWorkflowServer();
  },
  { timeout: 400_000 },
);
after(() => server.stop(), { timeout: 240_000 });

describe('a run', () => {
  for (const { name, activities, walk } of PATHS)
    it(`can be: ${name}`, { timeout: 400_000 }, async () => {
      const stopActivities = await server.activityWorkers({ ...simpleActivities, ...activities?.() });
      const stopControl = await server.controlWorker('first');
      try {
        for (const handle of await walk(server, `path-${name.replaceAll(' ', '-')}`)) {
          const history = await handle.fetchHistory();
          await Worker.runReplayHistory({ workflowBundle: server.bundle, sinks: runSinks }, history, handle.workflowId);
          assert.ok((history.events?.length ?? 0) < 10_000);
        }
      } finally {
        await stopControl();
        await stopActivities();
      }
    });

  it(
    'stays on the version that it began with, and moves to a newer one when it goes on in a new history',
    { timeout: 240_000 },
    async () => {
      const versionOf = async (runId?: string): Promise<string | null | undefined> =>
        (await server.client.workflow.getHandle('upgraded', runId).describe()).raw.workflowExecutionInfo?.versioningInfo
          ?.deploymentVersion?.buildId;
      const stops: (() => Promise<void>)[] = [];
      let upgraded = false;
      try {
        stops.push(
          await server.activityWorkers({
            ...simpleActivities,
            // The server tells a run of a newer version with one of its next tasks, not with the very next one.
            train: async (block) => {
              await sleep(upgraded ? 0 : 200);
              return simpleActivities.train(block);
            },
          }),
        );
        stops.push(await server.controlWorker('old'));
        const handle = await server.client.workflow.start(WORKFLOW_TYPE.tuning, {
          workflowId: 'upgraded',
          taskQueue: CONTROL_QUEUE,
          args: [{ tuning: { epochs: 100 } }],
        });
        while ((await versionOf()) !== 'old') await sleep(50);
        stops.push(await server.controlWorker('new'));
        while ((await versionOf()) === 'old') await sleep(50);
        upgraded = true;
        assert.equal(((await handle.result()) as TuningResult).status, 'completed');
        assert.equal(await versionOf(handle.firstExecutionRunId), 'old');
        assert.equal(await versionOf(), 'new');
      } finally {
        for (const stop of stops) await stop();
      }
    },
  );
});

describe('a pause that is asked for', () => {
  it('while the run is about to go on in a new history lets it rest where it is', { timeout: 120_000 }, async () => {
    const slow = await bundleWorkflowCode({
      ...bundledWorkflows,
      workflowInterceptorModules: [
        ...bundledWorkflows.workflowInterceptorModules,
        fileURLToPath(new URL('slow-signals.mjs', import.meta.url)),
      ],
      logger: Runtime.instance().logger,
    });
    let trained = (): void => undefined;
    const train: Activities['train'] = async (block) => {
      if (block.untilStep === null) await new Promise<void>((resolve) => (trained = resolve));
      return simpleActivities.train(block);
    };
    const inspect: Activities['inspect'] = async (request) => {
      const { client, info } = Context.current();
      await client.workflow.getHandle(info.workflowExecution!.workflowId).signal(NOTICES_WANTED_SIGNAL);
      return simpleActivities.inspect(request);
    };
    const stops = [
      await server.activityWorkers(atBoundary('client', { ...simpleActivities, inspect, train })),
      await server.controlWorker('slow', slow),
    ];
    try {
      const handle = await server.client.workflow.start(WORKFLOW_TYPE.tuning, {
        workflowId: 'rests',
        taskQueue: CONTROL_QUEUE,
        args: [{}],
      });
      await untilPending(handle, 'train');
      stops.push(await server.controlWorker('slow and new', slow));
      // Notices are told meanwhile, one a second: with one of these tasks the server tells of the new version.
      await sleep(2500);
      trained();
      while ((await handle.query<RunProgress>(PROGRESS_QUERY)).step !== STEPS_PER_EPOCH) await sleep(20);
      const { stage, step, paused } = await handle.executeUpdate<RunProgress, []>(PAUSE_UPDATE);
      assert.deepEqual([stage, step, paused], ['train', STEPS_PER_EPOCH, true]);
      const { events } = await handle.fetchHistory();
      assert.ok(
        events?.some(({ markerRecordedEventAttributes: marker }) => marker),
        'the pause came in between',
      );
      await handle.executeUpdate(CONTINUE_UPDATE);
      assert.equal(((await handle.result()) as TuningResult).status, 'completed');
      assert.notEqual(
        (await server.client.workflow.getHandle('rests').describe()).runId,
        handle.firstExecutionRunId,
        'it went on in a new history after that',
      );
    } finally {
      for (const stop of stops) await stop();
    }
  });
});

describe('the name of a workflow that anybody may start', () => {
  it('is refused before anything is done when store or client could not keep it', { timeout: 120_000 }, async () => {
    const stopControl = await server.controlWorker('first');
    try {
      for (const [type, input] of [
        [WORKFLOW_TYPE.tuning, {}],
        [WORKFLOW_TYPE.predict, { run: 'nightly', in: '/in.csv', out: '/out.csv' }],
      ] as const)
        for (const workflowId of ['team/../nightly', `team//${type}`, 'x'.repeat(256)]) {
          const handle = await server.client.workflow.start(type, {
            workflowId,
            taskQueue: CONTROL_QUEUE,
            args: [input],
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          });
          await assert.rejects(
            handle.result(),
            ({ cause }: { cause: ApplicationFailure }) =>
              cause.type === ErrorKind.badInput &&
              cause.nonRetryable === true &&
              /^workflow id: must have (no part|at most)/.test(cause.message),
          );
          const { events } = await handle.fetchHistory();
          assert.ok(
            !events?.some(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled),
            'no activity was asked for',
          );
        }
    } finally {
      await stopControl();
    }
  });
});

describe('failures of an activity', () => {
  it('are counted by kind from attempt to attempt, on the server', { timeout: 120_000 }, async () => {
    const train: Activities['train'] = () => {
      const { attempt } = activityInfo();
      if (attempt === 1) throw new RaptError(ErrorKind.unavailable, 'the store is away');
      if (attempt === 2) throw new RaptError(ErrorKind.trainerCrashed, 'the model process ended');
      return cancelled();
    };
    const stopActivities = await server.activityWorkers(atBoundary('gpu', { ...simpleActivities, train }));
    const stopControl = await server.controlWorker('first');
    try {
      const handle = await server.client.workflow.start(WORKFLOW_TYPE.tuning, {
        workflowId: 'counted',
        taskQueue: CONTROL_QUEUE,
        args: [{}],
      });
      const { progress } = await untilPending(handle, 'train', ({ attempt, running }) => attempt === 3 && running);
      assert.deepEqual(progress, { failures: { RaptUnavailable: 1, RaptTrainerCrashed: 1 } });
      await handle.terminate();
    } finally {
      await stopControl();
      await stopActivities();
    }
  });
});

describe('a worker whose token for the object store is revoked', () => {
  it('holds its run up, which says what it waits for, until another is granted', { timeout: 120_000 }, async () => {
    const acme: Role = { kind: 'client', tenant: 'acme' };
    const setting = 'RAPT_S3_CREDENTIALS_TOKEN_FILE';
    const grants: Grant[] = [];
    let token = newToken();
    const keys = { accessKey: 'a', secretKey: 'b', sessionToken: 'c', expiresMs: Date.now() + 3_600_000 };
    const listening = { listen: { host: '127.0.0.1', port: 0 }, tls: null, publicHost: null };
    const answers = { issue: () => Promise.resolve(keys), grants: () => grants, say: () => undefined };
    const issuer = await startCredentialServer({ ...listening, ...answers });
    const askForKeys = keysFrom(() => ({ url: issuer.url + CREDENTIALS_PATH, token }), setting, acme);
    let tries = 0;
    const publish: Activities['publish'] = async (request) => {
      tries++;
      await askForKeys();
      return simpleActivities.publish(request);
    };
    const stopActivities = await server.activityWorkers(atBoundary('client', { ...simpleActivities, publish }));
    const stopControl = await server.controlWorker('first');
    try {
      const options = { workflowId: 'revoked', taskQueue: CONTROL_QUEUE, args: [{}] };
      const handle = await server.client.workflow.start(WORKFLOW_TYPE.tuning, options);
      await eventually('it is tried again', 60_000, () => tries >= 3);
      const progress = await queryProgress(handle);
      const waits = String(await withTemporal((link) => waitsFor(link, 'revoked', progress, 'local')));
      assert.match(
        waits,
        /^publish: attempt \d, since the one before failed: .*token of RAPT_S3\w+FILE \(status 403\)/,
      );
      assert.match(waits, /`rapt credentials grant client --tenant acme`.*goes on by itself/);
      token = newToken();
      grants.push(grantFor(token, acme));
      assert.equal(((await handle.result()) as TuningResult).workflowId, 'revoked');
      const replayed = { workflowBundle: server.bundle, sinks: runSinks };
      await Worker.runReplayHistory(replayed, await handle.fetchHistory(), 'revoked');
    } finally {
      await stopControl();
      await stopActivities();
      await issuer.close();
    }
  });
});

describe('what the provider can search for', () => {
  const backboneOf = async (backbone: string, found: string): Promise<{ shown: unknown; history: string }> => {
    const stopActivities = await server.activityWorkers({
      ...simpleActivities,
      inspect: () => Promise.resolve({ rows: { train: 80, test: 20 }, backbone: found }),
    });
    const stopControl = await server.controlWorker('first');
    try {
      const handle = await server.client.workflow.start(WORKFLOW_TYPE.tuning, {
        workflowId: `backbone-${found.replace('/', '-')}`,
        taskQueue: CONTROL_QUEUE,
        args: [{ backbone }],
      });
      await handle.result();
      const changes = (await handle.fetchHistory()).events?.flatMap(
        ({ upsertWorkflowSearchAttributesEventAttributes: changed }) => (changed ? [changed] : []),
      );
      const said = changes
        ?.flatMap(({ searchAttributes: set }) => Object.values(set?.indexedFields ?? {}))
        .map(({ data }) => Buffer.from(data ?? []).toString());
      return {
        shown: (await handle.describe()).typedSearchAttributes.get(searchAttributes.backbone),
        history: (said ?? []).join(' '),
      };
    } finally {
      await stopControl();
      await stopActivities();
    }
  };

  it("is a hub's name, and nothing of a folder that looks like one", { timeout: 240_000 }, async () => {
    assert.equal((await backboneOf('acme/encoder', 'acme/encoder')).shown, 'acme/encoder');
    const { shown, history } = await backboneOf('patients/model', 'folder');
    assert.equal(shown, 'folder');
    assert.match(history, /"exponential"/);
    assert.doesNotMatch(history, /patients/);
  });
});

describe('the recorded histories', () => {
  it('are there for every path', () => {
    const recorded = readdirSync(HISTORIES).map((file) => file.replace(/-\d+\.json$/, ''));
    assert.deepEqual([...new Set(recorded)].sort(), PATHS.map(({ name }) => name.replaceAll(' ', '-')).sort());
  });

  for (const file of historyFiles())
    it(`${file} replays`, async () => {
      await Worker.runReplayHistory(
        { workflowBundle: server.bundle, sinks: runSinks },
        JSON.parse(readFileSync(join(HISTORIES, file), 'utf8')),
        file.replace(/-\d+\.json$/, ''),
      );
    });

  it('are refused by a workflow that was changed', { timeout: 240_000 }, async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), 'rapt-changed-'));
    try {
      for (const part of ['workflows', 'contracts', 'package.json'])
        cpSync(join(root, part), join(folder, part), { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
      const path = join(folder, 'workflows', 'tuning.ts');
      const source = readFileSync(path, 'utf8');
      // Validates after privatizing.
      const changed = source
        .replace('    if (carried === undefined) await this.#validate();\n', '')
        .replace(/(    const local = carried.*\n)/, '$1    if (carried === undefined) await this.#validate();\n');
      assert.notEqual(changed, source);
      writeFileSync(path, changed);
      const replay = Worker.runReplayHistory(
        { workflowsPath: join(folder, 'workflows', 'index.ts') },
        JSON.parse(readFileSync(join(HISTORIES, 'finished-1.json'), 'utf8')),
        'changed',
      );
      await assert.rejects(replay, DeterminismViolationError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
