/** Waits for a run and shows its progress. */
import { setMaxListeners } from 'node:events';
import type { WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import type { TuningResult } from '../../contracts/index.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import type { Interruption, OnInterrupt } from '../terminal/interruption.ts';
import type { Link } from '../temporal/connection.ts';
import { queryProgress } from '../temporal/executions.ts';
import { explainFailure } from '../temporal/explain-failure.ts';
import { within } from '../temporal/time-limit.ts';
import { asOwned } from './known-run.ts';
import { createProgressView, type ProgressView } from './progress-view.ts';
import { waitsFor } from './wait-reason.ts';

const POLL_MS = 1000;
/** When a run has said nothing new for so long, it may lack a worker. */
export const STILL_MS = 8000;
/** How long a cancelled run is waited for. It takes a second to store a checkpoint. GitHub kills a step 10 s after it
 *  has asked it to stop. */
export const CANCELLATION_MS = 6000;

/** How waiting for a run came out. */
export type Followed =
  | { readonly result: TuningResult; readonly exitCode: number }
  | {
      readonly result: null;
      /** "running" when only the waiting has ended. */
      readonly status: 'failed' | 'cancelled' | 'running';
      readonly message: string;
      readonly exitCode: number;
    };

export interface Following {
  readonly tenant: string;
  readonly timeoutMs?: number | undefined;
  readonly interruption: Interruption;
  readonly onInterrupt: OnInterrupt;
}

/** The time-out ends the waiting, not the run. So does an interruption, unless the user wants it to cancel the run. */
export async function follow(
  link: Link,
  handle: WorkflowHandle,
  { tenant, timeoutMs = Infinity, interruption, onInterrupt }: Following,
): Promise<Followed> {
  const deadline = Date.now() + timeoutMs;
  const goesOn =
    `the run goes on. \`rapt watch ${handle.workflowId}\` shows it, ` + `\`rapt cancel ${handle.workflowId}\` ends it`;
  const view = createProgressView();
  // The server may take 20 s to answer this question. Aborting it lets the command end at once.
  const question = new AbortController();
  // Temporal's client listens once for each 20 s of waiting, which to Node looks like a leak.
  setMaxListeners(0, question.signal);
  const ended: Promise<Followed> = link.client
    .withAbortSignal(question.signal, () => handle.result())
    .then(
      (result: TuningResult) => finished(asOwned(handle.workflowId, tenant, result)),
      (error: unknown) => withoutResult(error, handle.workflowId),
    );
  // A rejection is handled below. It may come while nobody waits for it.
  ended.catch(() => undefined);
  const teller = new Teller(link, handle, tenant, view);
  try {
    for (;;) {
      const outcome = await within<Followed | 'interrupted'>(POLL_MS, ended, interruption.first);
      if (outcome === 'interrupted' && onInterrupt === 'cancel')
        return await cancelled(handle, ended, interruption, view);
      if (outcome === 'interrupted')
        return { result: null, status: 'running', message: `stopped waiting; ${goesOn}`, exitCode: EXIT.interrupted };
      if (outcome !== null) return outcome;
      if (Date.now() > deadline)
        return {
          result: null,
          status: 'running',
          message: `not ended after ${timeoutMs / 1000} s; ${goesOn}`,
          exitCode: EXIT.unavailable,
        };
      // The server may not answer for seconds, and an interrupted command has few seconds left.
      await Promise.race([teller.tell(), ended, interruption.first]);
    }
  } finally {
    question.abort();
    teller.stop();
    view.stop();
  }
}

export const finished = (result: TuningResult): Followed => ({
  result,
  exitCode: result.gates.every(({ passed }) => passed) ? EXIT.done : EXIT.gateMissed,
});

function withoutResult(error: unknown, id: string): Followed {
  const explained = explainFailure(error, id);
  return {
    result: null,
    status: error instanceof Error && error.cause instanceof CancelledFailure ? 'cancelled' : 'failed',
    message: explained.message,
    exitCode: explained.exitCode,
  };
}

/** Cancels the run and waits a little for its end: the run stores its checkpoint first. */
async function cancelled(
  handle: WorkflowHandle,
  ended: Promise<Followed>,
  { second }: Interruption,
  view: ProgressView,
): Promise<Followed> {
  view.note('interrupted: cancels the run, which stores what it has first');
  const asked = { told: false };
  const end = handle.cancel().then(() => {
    asked.told = true;
    return ended;
  });
  const outcome = await within<Followed | 'interrupted' | null>(
    CANCELLATION_MS,
    end.catch(() => null),
    second,
  );
  if (outcome !== null && outcome !== 'interrupted') return { ...outcome, exitCode: EXIT.interrupted };
  const message = asked.told
    ? 'the run was told to cancel and still stores what it has; ' +
      `\`rapt show ${handle.workflowId}\` tells when it has ended`
    : 'the run could not be told to cancel, since Temporal does not answer: it goes on. ' +
      `\`rapt cancel ${handle.workflowId}\` ends it`;
  return { result: null, status: 'running', message, exitCode: EXIT.interrupted };
}

/** Shows what is new of a run; when nothing is new, what it waits for. */
class Teller {
  readonly #link: Link;
  readonly #handle: WorkflowHandle;
  readonly #tenant: string;
  readonly #view: ProgressView;
  #last = '';
  #changedAt = Date.now();
  #stopped = false;

  constructor(link: Link, handle: WorkflowHandle, tenant: string, view: ProgressView) {
    this.#link = link;
    this.#handle = handle;
    this.#tenant = tenant;
    this.#view = view;
  }

  async tell(): Promise<void> {
    const progress = await queryProgress(this.#handle);
    const news = JSON.stringify(progress);
    if (news !== this.#last) {
      this.#last = news;
      this.#changedAt = Date.now();
      if (progress !== null) this.#unlessStopped(() => this.#view.show(progress));
    } else if (Date.now() - this.#changedAt > STILL_MS) {
      const waiting = await waitsFor(this.#link, this.#handle.workflowId, progress, this.#tenant).catch(
        () => 'waits for an answer from the Temporal server',
      );
      if (waiting !== null) this.#unlessStopped(() => this.#view.note(waiting));
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** An answer may come after the waiting has ended. */
  #unlessStopped(tell: () => void): void {
    if (!this.#stopped) tell();
  }
}
