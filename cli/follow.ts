/** Waits for a run and shows how it gets on. */
import type { WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE, type RunProgress, type TuningResult } from '../contracts/index.ts';
import { EXIT } from './exit-codes.ts';
import { say } from './output.ts';
import { createProgressView } from './progress.ts';
import { abandonedVersion, explainFailure, failedAttempt, hasWorker, queryProgress, queueOf, type Link } from './temporal.ts';

const POLL_MS = 1000;
/** A run that says nothing new for so long may lack a worker. */
const STILL_MS = 8000;

export type Followed =
  | { readonly result: TuningResult; readonly exitCode: number }
  | { readonly result: null; readonly message: string; readonly exitCode: number; /** False when only the waiting has ended. */ readonly ended: boolean };

/** Ctrl-C and the time-out stop the waiting, not the run. */
export async function follow(link: Link, handle: WorkflowHandle, tenant: string, timeoutMs = Infinity): Promise<Followed> {
  const deadline = Date.now() + timeoutMs;
  const goesOn = `the run goes on. \`rapt watch ${handle.workflowId}\` shows it, \`rapt cancel ${handle.workflowId}\` ends it`;
  const view = createProgressView();
  let interrupted = (): void => undefined;
  const interruption = new Promise<'interrupted'>((resolve) => (interrupted = () => resolve('interrupted')));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  const ended = handle.result().then(
    (result) => ({ result: result as TuningResult }),
    (error: unknown) => ({ error }),
  );
  let last = '';
  let changedAt = Date.now();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), POLL_MS)));
      const outcome = await Promise.race([ended, interruption, pause]);
      clearTimeout(timer);
      if (outcome === 'interrupted') {
        view.stop();
        return { result: null, message: `stopped waiting; ${goesOn}`, exitCode: EXIT.interrupted, ended: false };
      }
      if (outcome === null && Date.now() > deadline) {
        view.stop();
        return { result: null, message: `not ended after ${timeoutMs / 1000} s; ${goesOn}`, exitCode: EXIT.unavailable, ended: false };
      }
      if (outcome !== null) {
        view.stop();
        if ('error' in outcome) return { result: null, ...explainFailure(outcome.error, handle.workflowId), ended: true };
        const missed = outcome.result.gates.some(({ passed }) => !passed);
        return { result: outcome.result, exitCode: missed ? EXIT.gateMissed : EXIT.done };
      }
      const progress = await queryProgress(handle);
      const news = JSON.stringify(progress);
      if (news !== last) {
        last = news;
        changedAt = Date.now();
        if (progress !== null) view.show(progress);
      } else if (Date.now() - changedAt > STILL_MS) {
        const waiting = await waitsFor(link, handle.workflowId, progress, tenant).catch(() => 'waits for an answer from the Temporal server');
        if (waiting !== null) view.note(waiting);
      }
    }
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}

/** What a run that says nothing new waits for; null when it is simply at work. */
export async function waitsFor(link: Link, id: string, progress: RunProgress | null, tenant: string): Promise<string | null> {
  if (progress?.paused === true) return `is paused; \`rapt continue ${id}\` lets it go on`;
  if (progress === null) {
    const buildId = await abandonedVersion(link, id);
    if (buildId !== null) return `waits for a control worker of version ${buildId}, to which it belongs; start one, or \`rapt resume ${id}\` goes on with the current version`;
    return (await hasWorker(link, CONTROL_QUEUE, 'workflow')) ? null : 'waits for a control worker; start one with `rapt worker control`, or all with `rapt up`';
  }
  const failed = await failedAttempt(link, id);
  if (failed !== null) return failed;
  const queue = queueOf(progress.stage, tenant);
  if (await hasWorker(link, queue, 'activity')) return null;
  const kind = queue.startsWith('rapt-client-') ? `client --tenant ${queue.slice('rapt-client-'.length)}` : 'gpu';
  return `waits for a worker on the task queue ${queue}; start one with \`rapt worker ${kind}\`, or all with \`rapt up\``;
}

export function sayFailure(followed: Followed): void {
  if (followed.result === null) say(followed.message);
}
