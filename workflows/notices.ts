/** Notices of a run's states, for programs elsewhere. They add nothing to the run's history unless its client has a
 *  webhook. */
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  getExternalWorkflowHandle,
  log,
  ParentClosePolicy,
  startChild,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { noticeId, NOTIFY_WORKFLOW } from '../contracts/index.ts';
import type { RunNotice, RunState as Told } from '../contracts/index.ts';
import { handedOverSignal, noticeSignal } from './messages.ts';
import type { raptNotify } from './notify.ts';
import type { RunState } from './run-state.ts';

export class Notices {
  readonly #state: RunState;
  readonly #carried: boolean;
  #tenant: string | null = null;
  #wanted: boolean;
  /** Id of the workflow that delivers the notices; null before the first notice. */
  #messenger: string | null = null;
  #sending: Promise<void> = Promise.resolve();

  /** @param wanted whether notices were wanted in the history before this one. */
  constructor(state: RunState, wanted = false) {
    this.#state = state;
    this.#carried = wanted;
    this.#wanted = wanted;
  }

  /** @param tenant whose client delivers the notices. */
  of(tenant: string): void {
    this.#tenant = tenant;
    // A run that was reset may have got the signal before it begins.
    if (this.#wanted && !this.#carried) this.tell('started');
  }

  /** A client with a webhook asks for notices with each attempt of its first activity. */
  wanted(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.tell('started');
  }

  /** Sends a notice, after those before it. The run does not wait. */
  tell(state: Told, reason: string | null = null): void {
    if (!this.#wanted || this.#tenant === null) return;
    const tenant = this.#tenant;
    const { workflowId: run, runId } = workflowInfo();
    const { stage, report } = this.#state.progress;
    const notice: RunNotice = { id: uuid4(), run, runId, state, stage, at: new Date().toISOString(), reason, report };
    const before = this.#sending;
    this.#sending = CancellationScope.nonCancellable(async () => {
      await before;
      await this.#send(tenant, notice).catch((error: unknown) =>
        log.warn('a notice was lost', { error: String(error) }),
      );
    });
  }

  /** Waits until the server has all notices, which takes no longer than any other step. Before that a run must not end
   *  or go on in a new history. */
  sent(): Promise<void> {
    return this.#sending;
  }

  /** Ends the messenger of this history, before the run goes on in a new one. @returns whether notices are wanted
   *  there. */
  async handOver(): Promise<boolean> {
    await this.sent();
    if (this.#messenger !== null)
      await getExternalWorkflowHandle(this.#messenger)
        .signal(handedOverSignal)
        .catch(() => undefined);
    return this.#wanted;
  }

  async #send(tenant: string, notice: RunNotice): Promise<void> {
    if (this.#messenger !== null) {
      try {
        await getExternalWorkflowHandle(this.#messenger).signal(noticeSignal, notice);
        return;
      } catch {
        // The run was reset, and its messenger ended with the execution before.
      }
    }
    const messenger = await startChild<typeof raptNotify>(NOTIFY_WORKFLOW, {
      workflowId: noticeId(notice.run, uuid4().slice(0, 8)),
      args: [{ tenant, first: notice }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: 'tells the webhook what becomes of the run',
    });
    this.#messenger = messenger.workflowId;
  }
}
