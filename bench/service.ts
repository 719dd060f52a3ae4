/** A local stack of a bench's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  parseTuningConfig,
  WORKFLOW_TYPE,
  type TuningConfig,
  type TuningInput,
} from '../contracts/index.ts';
import { down, up } from '../infra/index.ts';
import { resolveKeyring } from '../settings/index.ts';
import { dataConverter } from '../workers/data-converter.ts';

/** A running stack, and how to start a run on it. */
export interface Service {
  readonly client: Client;
  /** Folder in which servers, workers and the client keep their files. */
  readonly home: string;
  readonly start: (workflowId: string, config: TuningConfig) => ReturnType<Client['workflow']['start']>;
}

/** Starts a stack in a folder of its own, and takes both down after the body. */
export async function withService<T>(body: (service: Service) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'rapt-bench-'));
  process.env['RAPT_HOME'] = home;
  try {
    const { temporal } = await up();
    const connection = await Connection.connect({ address: temporal.address });
    try {
      const client = new Client({ connection, dataConverter: dataConverter(resolveKeyring(true)) });
      return await body({
        client,
        home,
        start: (workflowId, config) =>
          client.workflow.start(WORKFLOW_TYPE.tuning, { workflowId, taskQueue: CONTROL_QUEUE, args: [config] }),
      });
    } finally {
      await connection.close();
    }
  } finally {
    await down();
    rmSync(home, { recursive: true, force: true });
  }
}

/** The configuration with its defaults. @throws Error for one that is not valid, which is a mistake of the bench. */
export function configOf(input: TuningInput): TuningConfig {
  const parsed = parseTuningConfig(input);
  if (!parsed.ok) throw new Error('the configuration of the bench is not valid');
  return parsed.value;
}
