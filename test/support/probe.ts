/** Looks at runs from outside, as an operator's tools do. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { TrainingProgress } from '../../contracts/index.ts';

export interface Pending {
  readonly attempt: number;
  /** When the attempt that runs was started. */
  readonly startedMs: number;
  /** What it said last. */
  readonly progress: Partial<TrainingProgress>;
  readonly running: boolean;
}

/** PENDING_ACTIVITY_STATE_STARTED of the server's interface. */
const STARTED = 2;

export class Probe {
  readonly client: Client;
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.client = new Client({ connection });
  }

  static async connect(address: string): Promise<Probe> {
    return new Probe(await Connection.connect({ address }));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** An activity that has not ended, by its type. */
  async pending(id: string, type: string): Promise<Pending | null> {
    const { raw } = await this.client.workflow.getHandle(id).describe();
    const found = raw.pendingActivities?.find(({ activityType }) => activityType?.name === type);
    if (!found) return null;
    const [payload] = found.heartbeatDetails?.payloads ?? [];
    return {
      attempt: found.attempt ?? 1,
      startedMs: Number(found.lastStartedTime?.seconds ?? 0) * 1000 + (found.lastStartedTime?.nanos ?? 0) / 1e6,
      progress: payload ? (defaultPayloadConverter.fromPayload<Partial<TrainingProgress> | null>(payload) ?? {}) : {},
      running: Number(found.state) === STARTED,
    };
  }

  /** Waits until an activity of this type is pending that fits. @throws when the run has ended. */
  async until(id: string, type: string, fits: (pending: Pending) => boolean = ({ running }) => running): Promise<Pending> {
    for (;;) {
      const pending = await this.pending(id, type);
      if (pending !== null && fits(pending)) return pending;
      const { status } = await this.client.workflow.getHandle(id).describe();
      assert.equal(status.name, 'RUNNING', `run ${id} ended before ${type} was as expected`);
      await sleep(20);
    }
  }

  /** Waits until training has done so many steps. */
  async untilStep(id: string, step: number): Promise<number> {
    const { progress } = await this.until(id, 'train', (pending) => pending.running && (pending.progress.step ?? 0) >= step);
    return progress.step!;
  }
}

/** Model processes of a GPU worker. */
export function childrenOf(parent: number): number[] {
  return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('model-process.ts'));
}

/** Waits until there is an answer. */
export async function eventually<T>(what: string, timeoutMs: number, ask: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(100);
  }
}

export const foldersIn = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};
