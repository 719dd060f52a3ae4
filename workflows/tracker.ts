/** Joins a run's state to the places where Temporal shows it. */
import { ApplicationFailure, isCancellation, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import { detailsTable } from './details.ts';
import { progressQuery, releaseProgressSignal, trainingProgressSignal } from './messages.ts';
import { RunState } from './run-state.ts';

/** Starts to answer queries and to take progress signals. Details live in the worker's memory until they are asked for, so that they are
 *  made anew with each message costs the history nothing. */
export function trackRun(): RunState {
  const state = new RunState(workflowInfo().startTime.getTime());
  setHandler(progressQuery, () => state.progress);
  setHandler(trainingProgressSignal, (sent) => {
    state.trainingAdvanced(sent);
    showDetails(state);
  });
  setHandler(releaseProgressSignal, (sent) => {
    state.releaseAdvanced(sent);
    showDetails(state);
  });
  return state;
}

export function showDetails(state: RunState): void {
  setCurrentDetails(detailsTable(state.progress));
}

/** Says in the run's own words why it ends early. */
export function showStopped(state: RunState, error: unknown): void {
  state.stopped(isCancellation(error) ? 'cancelled; what was done is kept, and `rapt resume` goes on from there' : `failed: ${reason(error)}`);
  showDetails(state);
}

function reason(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? `${cause.type ?? 'error'}: ${cause.message}` : 'an activity ended without a result';
}
