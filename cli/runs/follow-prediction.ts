/** Waits for a prediction and shows its progress. The workflow of a prediction answers no questions: its progress is in
 *  the heartbeats of its activities. */
import { setMaxListeners } from 'node:events';
import type { WorkflowHandle } from '@temporalio/client';
import { clientQueue, CONTROL_QUEUE, GPU_QUEUE, type FinishedPrediction } from '../../contracts/index.ts';
import { CommandFailure, EXIT } from '../terminal/exit-codes.ts';
import { CANCELLATION_MS, STILL_MS } from './follow.ts';
import { waitsOn, WITHOUT_CONTROL } from './wait-reason.ts';
import { within } from '../temporal/time-limit.ts';
import type { Interruption } from '../terminal/interruption.ts';
import { say } from '../terminal/output.ts';
import type { Link } from '../temporal/connection.ts';
import { find, type Described } from '../temporal/executions.ts';
import { explainFailure } from '../temporal/explain-failure.ts';
import { pendingActivity } from '../temporal/pending-work.ts';
import { hasWorker } from '../temporal/task-queues.ts';

const POLL_MS = 500;
/** For so long nothing is shown: a prediction of a few texts is over by then. */
const QUIET_MS = 3000;
/** Within a step, progress is shown at most so often. */
const LINE_INTERVAL_MS = 5000;

export interface FollowingPrediction {
  readonly id: string;
  readonly tenant: string;
  readonly timeoutMs?: number | undefined;
  /** What becomes of it after the time-out. Answers in a file are of use later. */
  readonly afterTimeout: 'goes on' | 'is cancelled';
  readonly interruption: Interruption;
}

/** @throws CommandFailure with the reason when there is no answer. When the command is interrupted, the prediction is
 *  cancelled first. The release of its texts stays, so that it costs nothing to ask again. */
export async function followPrediction(link: Link, following: FollowingPrediction): Promise<FinishedPrediction> {
  const { id, tenant, timeoutMs = Infinity, afterTimeout, interruption } = following;
  const handle = link.client.workflow.getHandle(id);
  const deadline = Date.now() + timeoutMs;
  // The server may take 20 s to answer this question. Aborting it lets the command end at once.
  const question = new AbortController();
  setMaxListeners(0, question.signal);
  const ended = link.client
    .withAbortSignal(question.signal, () => handle.result() as Promise<FinishedPrediction>)
    .catch((error: unknown) => {
      const { message, exitCode } = explainFailure(error, id, 'prediction');
      throw new CommandFailure(message, exitCode);
    });
  ended.catch(() => undefined);
  const teller = new PredictionTeller(link, id, tenant);
  try {
    for (;;) {
      const outcome = await within<FinishedPrediction | 'interrupted'>(POLL_MS, ended, interruption.first);
      if (outcome === 'interrupted') {
        say('interrupted: cancels the prediction');
        return await cancelled(handle, ended, interruption, EXIT.interrupted);
      }
      if (outcome !== null) return outcome;
      if (Date.now() > deadline) {
        const late = `not answered after ${timeoutMs / 1000} s`;
        if (afterTimeout === 'goes on')
          throw new CommandFailure(
            `${late}; the prediction goes on, and writes its answers when it has them`,
            EXIT.unavailable,
          );
        say(`${late}: cancels the prediction`);
        return await cancelled(handle, ended, interruption, EXIT.unavailable);
      }
      await Promise.race([teller.tell(), ended, interruption.first]);
    }
  } finally {
    question.abort();
    teller.stop();
  }
}

/** Cancels the prediction and waits a little for its end. @returns its answer when it finished before it heard of the
 *  cancellation. @throws CommandFailure with the code. */
async function cancelled(
  handle: WorkflowHandle,
  ended: Promise<FinishedPrediction>,
  { second }: Interruption,
  exitCode: number,
): Promise<FinishedPrediction> {
  const end = handle.cancel().then(
    () => ended.catch(() => 'cancelled' as const),
    () => 'unheard' as const,
  );
  const outcome = await within<FinishedPrediction | 'cancelled' | 'unheard' | 'interrupted'>(
    CANCELLATION_MS,
    end,
    second,
  );
  if (outcome !== null && typeof outcome === 'object') return outcome;
  if (outcome === 'cancelled')
    throw new CommandFailure('the prediction was cancelled; no answers were written', exitCode);
  if (outcome === 'unheard')
    throw new CommandFailure(
      'the prediction could not be told to cancel, since Temporal does not answer: it goes on',
      exitCode,
    );
  throw new CommandFailure('the prediction was told to cancel; it ends when its worker has heard of it', exitCode);
}

/** Shows what is new of a prediction; when nothing is new, what it waits for. */
class PredictionTeller {
  readonly #link: Link;
  readonly #id: string;
  readonly #tenant: string;
  readonly #startedAt = Date.now();
  #news = '';
  #changedAt = Date.now();
  #told = '';
  #toldStep = '';
  #toldAt = 0;
  #stopped = false;

  constructor(link: Link, id: string, tenant: string) {
    this.#link = link;
    this.#id = id;
    this.#tenant = tenant;
  }

  stop(): void {
    this.#stopped = true;
  }

  async tell(): Promise<void> {
    const described = await find(this.#link, this.#id);
    if (described === null || this.#stopped) return;
    const pending = await pendingActivity(this.#link, described);
    const step = pending?.type ?? '';
    const news = `${step} ${JSON.stringify(pending?.said ?? {})}`;
    const now = Date.now();
    if (news !== this.#news) {
      this.#news = news;
      this.#changedAt = now;
      if (
        pending !== null &&
        now - this.#startedAt > QUIET_MS &&
        (step !== this.#toldStep || now - this.#toldAt > LINE_INTERVAL_MS)
      )
        this.#say(inWords(step, pending.said), step);
    } else if (now - this.#changedAt > STILL_MS) {
      const waiting = await this.#waitsFor(described, step).catch(() => 'waits for an answer from the Temporal server');
      if (waiting !== null) this.#say(waiting, step);
    }
  }

  async #waitsFor(described: Described, step: string): Promise<string | null> {
    if (step === '') return (await hasWorker(this.#link, CONTROL_QUEUE, 'workflow')) ? null : WITHOUT_CONTROL;
    return waitsOn(this.#link, described, step === 'predict' ? GPU_QUEUE : clientQueue(this.#tenant));
  }

  #say(line: string, step: string): void {
    if (this.#stopped || line === this.#told) return;
    this.#told = line;
    this.#toldStep = step;
    this.#toldAt = Date.now();
    say(line);
  }
}

const STEPS: Readonly<Record<string, string>> = {
  preparePrediction: 'privatizes the texts on the client',
  predict: 'classifies the privatized texts',
  finishPrediction: 'writes the answers beside the texts',
};

function inWords(step: string, said: Readonly<Record<string, unknown>>): string {
  const { rows, rowsTotal, uploaded, shards } = said;
  const doing =
    step === 'preparePrediction' && typeof uploaded === 'number'
      ? 'uploads the privatized texts'
      : (STEPS[step] ?? step);
  if (typeof uploaded === 'number' && typeof shards === 'number') return `${doing}: ${uploaded} of ${shards} parts`;
  if (typeof rows !== 'number') return doing;
  return `${doing}: ${rows}${typeof rowsTotal === 'number' ? ` of ${rowsTotal}` : ''} rows`;
}
