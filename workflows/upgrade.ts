/** Going on in a new history, before the old one grows long, or to move to a newer version of this code. */
import { allHandlersFinished, condition, makeContinueAsNewFunc, patched, workflowInfo } from '@temporalio/workflow';
import type { LocalRelease, ReleaseRef, TrainBlockResult, TuningConfig } from '../contracts/index.ts';
import type { RunSnapshot } from './run-state.ts';

/** A replay reads the whole history. The server itself suggests a new history at some 4,000 events. */
const LONG_HISTORY_EVENTS = 2000;

/** What a run takes with it into a new history, between two blocks of training. A version that does not know the format
 *  begins at the first stage; each stage finds what was done before. */
export interface Carried {
  readonly format: 'rapt-carried/1';
  readonly snapshot: RunSnapshot;
  readonly local: LocalRelease;
  readonly release: ReleaseRef;
  readonly trained: TrainBlockResult;
  /** Absent when no webhook wants notices. */
  readonly noticesWanted?: true;
}

export function isCarried(value: unknown): value is Carried {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 'rapt-carried/1';
}

/** Whether the run should go on in a new history now. */
export function newHistoryIsDue(): boolean {
  const { historyLength, continueAsNewSuggested, targetWorkerDeploymentVersionChanged } = workflowInfo();
  return historyLength > LONG_HISTORY_EVENTS || continueAsNewSuggested || targetWorkerDeploymentVersionChanged;
}

/** Goes on in a new history, on the current version; until then a run stays on the version that it began with. Returns
 *  only when a pause was asked for: a pause is answered when the run rests, and it rests in this history.
 *  @param isPaused whether a pause was asked for. */
export async function goOnInNewHistory(config: TuningConfig, carried: Carried, isPaused: () => boolean): Promise<void> {
  await condition(() => allHandlersFinished() || isPaused());
  if (isPaused() && patched('rests before a new history')) return;
  await condition(allHandlersFinished);
  const continueAsNew = makeContinueAsNewFunc<(input: TuningConfig, carried: Carried) => Promise<unknown>>({
    initialVersioningBehavior: 'AUTO_UPGRADE',
  });
  await continueAsNew(config, carried);
}
