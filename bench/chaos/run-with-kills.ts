/** One run, in which processes are killed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE, WORKFLOW_TYPE, type TuningConfig, type TuningResult } from '../../contracts/index.ts';
import { homeFolder } from '../../system/index.ts';
import { pendingActivity } from '../../test/support/pending-activity.ts';
import type { Kill, Phase } from './kill-plan.ts';
import type { Supervisor } from './supervisor.ts';

const POLL_MS = 10;
const RUN_TIMEOUT_MS = 6 * 60_000;
/** How long each phase takes when nothing is killed, measured: kills are spread over this time. */
const PHASE_MS: Readonly<Record<Phase, number>> = {
  privatize: 2000,
  publish: 50,
  train: 3000,
  checkpoint: 80,
  predict: 450,
  report: 80,
};

export interface Outcome {
  readonly result: TuningResult | null;
  /** Why there is no result. */
  readonly failure: string | null;
  readonly kills: readonly { readonly kill: Kill; readonly done: boolean }[];
  readonly seconds: number;
}

export async function runWithKills(
  client: Client,
  supervisor: Supervisor,
  workflowId: string,
  config: TuningConfig,
  plan: readonly Kill[],
): Promise<Outcome> {
  const start = Date.now();
  await patiently(() =>
    client.workflow.start(WORKFLOW_TYPE.tuning, { workflowId, taskQueue: CONTROL_QUEUE, args: [config] }),
  );
  const handle = client.workflow.getHandle(workflowId);
  const run = { over: false };
  const ended = resultOf(handle, start + RUN_TIMEOUT_MS).finally(() => (run.over = true));
  const kills: { kill: Kill; done: boolean }[] = [];
  for (const kill of plan) {
    const seen = await untilPhase(handle, kill.phase, () => run.over);
    if (seen) await sleep(kill.at * PHASE_MS[kill.phase]);
    kills.push({
      kill,
      done: seen && !run.over && supervisor.strike(kill.victim, kill.downSeconds, await busyWorker(handle)),
    });
  }
  return { ...(await ended), kills, seconds: (Date.now() - start) / 1000 };
}

/** Waits until the phase has begun. @returns false when the run ended without it. */
async function untilPhase(handle: WorkflowHandle, phase: Phase, isOver: () => boolean): Promise<boolean> {
  // The server may be away.
  const isPending = (): Promise<boolean> =>
    pendingActivity(handle, phase).then(
      (pending) => pending !== null,
      () => false,
    );
  while (!isOver()) {
    if (phase === 'checkpoint' ? checkpointIsWritten() : await isPending()) return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** Process of the GPU worker that works on the run. Its identity at the server holds the process id. */
async function busyWorker(handle: WorkflowHandle): Promise<number | undefined> {
  const description = await handle.describe().catch(() => null);
  for (const { lastWorkerIdentity } of description?.raw.pendingActivities ?? []) {
    const [, pid] = /^rapt-gpu-(\d+)-/.exec(lastWorkerIdentity ?? '') ?? [];
    if (pid !== undefined) return Number(pid);
  }
  return undefined;
}

function checkpointIsWritten(): boolean {
  const attempts = join(homeFolder(), 'gpu', 'attempts');
  const list = (folder: string): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return list(attempts).some((name) => list(join(attempts, name, 'checkpoints')).length > 0);
}

async function resultOf(handle: WorkflowHandle, deadline: number): Promise<Pick<Outcome, 'result' | 'failure'>> {
  while (Date.now() < deadline) {
    const late = sleep(deadline - Date.now(), 'late' as const, { ref: false });
    const outcome = await Promise.race([
      late,
      handle.result().then(
        (result) => ({ result: result as TuningResult, failure: null }),
        (error: unknown) =>
          error instanceof WorkflowFailedError ? { result: null, failure: rootMessage(error) } : null,
      ),
    ]);
    if (outcome !== null && outcome !== 'late') return outcome;
    await sleep(300); // the server is away
  }
  return { result: null, failure: 'did not end in time' };
}

function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

async function patiently<T>(action: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (tries === 20) throw error;
      await sleep(500);
    }
  }
}
