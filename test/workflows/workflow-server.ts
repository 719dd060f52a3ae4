/** A real Temporal server with the real workflows, and activities that a test decides on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import {
  clientQueue,
  CONTROL_QUEUE,
  DEPLOYMENT_NAME,
  GPU_QUEUE,
  type ClientActivities,
  type GpuActivities,
} from '../../contracts/index.ts';
import { down, up } from '../../infra/index.ts';
import { bundledWorkflows } from '../../workers/bundle.ts';
import { promote } from '../../workers/promotion.ts';
import { runSinks } from '../../workers/run-sinks.ts';
import { installRuntime } from '../../workers/runtime.ts';

export type Activities = ClientActivities & GpuActivities;

export interface WorkflowServer {
  readonly client: Client;
  readonly bundle: WorkflowBundleWithSourceMap;
  /** Runs a control worker of this version, and makes it the current one. @param code other than the workflows as they
   *  are.
   *  @returns how to stop it. */
  controlWorker(buildId: string, code?: WorkflowBundleWithSourceMap): Promise<() => Promise<void>>;
  /** Runs the activities of both sides. @returns how to stop it. */
  activityWorkers(activities: Partial<Activities>): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export async function startWorkflowServer(): Promise<WorkflowServer> {
  const home = mkdtempSync(join(tmpdir(), 'rapt-workflows-'));
  process.env['RAPT_HOME'] = home;
  // What goes on in the workers is of no interest here.
  process.env['RAPT_LOG_LEVEL'] ??= 'WARN';
  const { temporal } = await up({ components: ['temporal'] });
  installRuntime();
  const bundle = await bundleWorkflowCode({ ...bundledWorkflows, logger: Runtime.instance().logger });
  const native = await NativeConnection.connect({ address: temporal.address });
  const connection = await Connection.connect({ address: temporal.address });

  const run = (worker: Worker): (() => Promise<void>) => {
    const running = worker.run();
    return async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    };
  };
  return {
    client: new Client({ connection, identity: 'test' }),
    bundle,
    async controlWorker(buildId, code = bundle) {
      const version = { deploymentName: DEPLOYMENT_NAME, buildId };
      const stop = run(
        await Worker.create({
          connection: native,
          identity: `control-${buildId}`,
          taskQueue: CONTROL_QUEUE,
          workflowBundle: code,
          sinks: runSinks,
          workerDeploymentOptions: { useWorkerVersioning: true, version, defaultVersioningBehavior: 'PINNED' },
        }),
      );
      await promote(native, 'default', version, 'always');
      return stop;
    },
    async activityWorkers(activities) {
      const stops: (() => Promise<void>)[] = [];
      for (const taskQueue of [clientQueue('local'), GPU_QUEUE])
        stops.push(
          run(
            await Worker.create({
              connection: native,
              identity: taskQueue,
              taskQueue,
              activities,
              maxHeartbeatThrottleInterval: '100ms',
            }),
          ),
        );
      return async () => {
        for (const stop of stops) await stop();
      };
    },
    async stop() {
      await connection.close();
      await native.close();
      await down();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
