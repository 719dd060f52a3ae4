/** Looks at runs from outside, as an operator's tools do. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { PAUSE_UPDATE, type RunProgress, type TuningResult } from '../../contracts/index.ts';
import { pendingActivity, untilPending, type PendingActivity } from './pending-activity.ts';

export class Probe {
  readonly client: Client;
  readonly #connection: Connection;

  private constructor(connection: Connection, dataConverter: DataConverter) {
    this.#connection = connection;
    this.client = new Client({ connection, dataConverter });
  }

  static async connect(address: string, dataConverter: DataConverter): Promise<Probe> {
    return new Probe(await Connection.connect({ address }), dataConverter);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** A tuning's result, once it has one. @throws what it failed with. */
  result(id: string): Promise<TuningResult> {
    return this.client.workflow.getHandle(id).result() as Promise<TuningResult>;
  }

  /** At once: a command takes seconds to start on a busy machine, in which a short run may end. */
  pause(id: string): Promise<RunProgress> {
    return this.client.workflow.getHandle(id).executeUpdate<RunProgress, []>(PAUSE_UPDATE);
  }

  pending(id: string, type: string): Promise<PendingActivity | null> {
    return pendingActivity(this.client.workflow.getHandle(id), type);
  }

  until(id: string, type: string, fits?: (pending: PendingActivity) => boolean): Promise<PendingActivity> {
    return untilPending(this.client.workflow.getHandle(id), type, fits);
  }

  /** Waits until training has done so many steps. */
  async untilStep(id: string, step: number): Promise<number> {
    const { progress } = await this.until(
      id,
      'train',
      (pending) => pending.running && (pending.progress.step ?? 0) >= step,
    );
    return progress.step!;
  }
}

/** Model processes of a GPU worker. */
export function childrenOf(parent: number): number[] {
  return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gpu/model/model-process.ts'));
}

/** Waits until there is an answer. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(100);
  }
}

/** Shards of a release on the client's disk: how many were drawn, of each of which a record is written, and how many
 *  there are. */
export const shardsIn = (release: string): { drawn: number; kept: number } => ({
  drawn: foldersIn(join(release, 'private', 'shards')).length,
  kept: foldersIn(release).filter((name) => name.endsWith('.parquet')).length,
});

export const foldersIn = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};
