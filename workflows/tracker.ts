/** Connects a run's state with Temporal: its queries, messages, details and search attributes. */
import { ApplicationFailure, isCancellation, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import { ErrorKind } from '../contracts/index.ts';
import { showStage } from './search-attributes.ts';
import { detailsTable } from './details.ts';
import {
  continueUpdate,
  noticesWantedSignal,
  pauseUpdate,
  progressQuery,
  releaseProgressSignal,
  trainingProgressSignal,
} from './messages.ts';
import { Notices } from './notices.ts';
import { PauseGate } from './pause.ts';
import { RunState, type RunSnapshot } from './run-state.ts';

/** Starts to answer queries and to take messages. The details are made anew with each message. They stay in the
 *  worker's memory until somebody asks for them, so this adds nothing to the history.
 *  @param snapshot of the history before this one. @param wanted whether notices were wanted in that history. */
export function trackRun(
  snapshot?: RunSnapshot,
  wanted?: boolean,
): { readonly state: RunState; readonly gate: PauseGate; readonly notices: Notices } {
  const state = new RunState(workflowInfo().startTime.getTime(), snapshot);
  const notices = new Notices(state, wanted);
  const gate = new PauseGate(() => {
    if (state.progress.paused !== gate.paused) {
      state.pausing(gate.paused);
      showStage(gate.paused ? 'paused' : state.progress.stage);
      notices.tell(gate.paused ? 'paused' : 'continued');
    }
    showDetails(state);
  });
  setHandler(progressQuery, () => state.progress);
  setHandler(trainingProgressSignal, (sent) => {
    state.trainingAdvanced(sent);
    showDetails(state);
  });
  setHandler(releaseProgressSignal, (sent) => {
    state.releaseAdvanced(sent);
    showDetails(state);
  });
  setHandler(noticesWantedSignal, () => notices.wanted());
  setHandler(
    pauseUpdate,
    async () => {
      refuseUnless(await gate.pause(), 'the run ended before it could pause');
      return state.progress;
    },
    {
      validator: () =>
        refuseUnless(
          !gate.paused && state.progress.stage !== 'done',
          gate.paused ? 'the run is paused already' : 'the run has ended',
        ),
    },
  );
  setHandler(
    continueUpdate,
    () => {
      gate.continue();
      return state.progress;
    },
    { validator: () => refuseUnless(gate.paused, 'the run is not paused') },
  );
  return { state, gate, notices };
}

function refuseUnless(allowed: boolean, reason: string): void {
  if (!allowed) throw ApplicationFailure.nonRetryable(reason, ErrorKind.badInput);
}

export function showDetails(state: RunState): void {
  setCurrentDetails(detailsTable(state.progress));
}

/** Shows in the run's details why it ends early. */
export function showStopped(state: RunState, error: unknown): void {
  if (isCancellation(error)) {
    state.stopped('cancelled; what was done is kept, and `rapt resume` goes on from there');
    showDetails(state);
    return;
  }
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const [kind, message] =
    cause instanceof ApplicationFailure
      ? [cause.type ?? 'error', cause.message]
      : ['error', 'an activity ended without a result'];
  state.stopped(`failed: ${kind}: ${message}`);
  // The message may name files and columns.
  setCurrentDetails(detailsTable({ ...state.progress, message: `failed: ${kind}; the result says why` }));
}

/** Kind of the failure; null when it has none. */
export function kindOf(error: unknown): string | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}
