/** A malicious provider: it runs Temporal, so it has a worker with workflows of its own, and the keys that its workers
 *  have. */
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure, type DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { failureConverterPath } from '../../codec/index.ts';
import type { Forged } from './forging-workflow.ts';

const QUEUE = 'forged';

export class Forger {
  readonly #client: Client;
  readonly #connection: NativeConnection;
  readonly #worker: Worker;
  readonly #running: Promise<void>;

  private constructor(client: Client, connection: NativeConnection, worker: Worker) {
    this.#client = client;
    this.#connection = connection;
    this.#worker = worker;
    this.#running = worker.run();
  }

  static async start(client: Client, address: string, dataConverter: DataConverter): Promise<Forger> {
    // Its workflows are expected to fail.
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const connection = await NativeConnection.connect({ address });
    const quiet = {
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      debug: () => undefined,
      trace: () => undefined,
      log: () => undefined,
    };
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('forging-workflow.ts', import.meta.url)),
      failureConverterPath,
      logger: quiet,
    });
    return new Forger(
      client,
      connection,
      await Worker.create({ connection, taskQueue: QUEUE, workflowBundle, dataConverter }),
    );
  }

  /** Has an activity called by a workflow that bears any name, a finished run's too. @returns its result, or
   *  what it failed with. */
  async ask(
    workflowId: string,
    forged: Forged,
  ): Promise<{ readonly result: unknown } | { readonly refused: string; readonly kind: string }> {
    try {
      return {
        result: await this.#client.workflow.execute('forged', {
          workflowId,
          taskQueue: QUEUE,
          args: [forged],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        }),
      };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      let at: unknown = error;
      while (at instanceof Error && !(at instanceof ApplicationFailure) && at.cause !== undefined) at = at.cause;
      return {
        refused: at instanceof Error ? at.message : String(at),
        kind: at instanceof ApplicationFailure ? (at.type ?? '') : '',
      };
    }
  }

  async stop(): Promise<void> {
    this.#worker.shutdown();
    await this.#running;
    await this.#connection.close();
  }
}
