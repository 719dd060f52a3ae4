/** The queries, signals and updates of the workflows. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  CONTINUE_UPDATE,
  HANDED_OVER_SIGNAL,
  NOTICE_SIGNAL,
  NOTICES_WANTED_SIGNAL,
  PAUSE_UPDATE,
  PROGRESS_QUERY,
  RELEASE_PROGRESS_SIGNAL,
  TRAINING_PROGRESS_SIGNAL,
} from '../contracts/index.ts';
import type { ReleaseProgress, RunNotice, RunProgress, TrainingProgress } from '../contracts/index.ts';

export const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);
export const trainingProgressSignal = defineSignal<[TrainingProgress]>(TRAINING_PROGRESS_SIGNAL);
export const releaseProgressSignal = defineSignal<[ReleaseProgress]>(RELEASE_PROGRESS_SIGNAL);
/** Tells a run that its client has a webhook. */
export const noticesWantedSignal = defineSignal(NOTICES_WANTED_SIGNAL);
export const noticeSignal = defineSignal<[RunNotice]>(NOTICE_SIGNAL);
export const handedOverSignal = defineSignal(HANDED_OVER_SIGNAL);
/** Answered when no activity runs any more and what was done is stored. */
export const pauseUpdate = defineUpdate<RunProgress>(PAUSE_UPDATE);
export const continueUpdate = defineUpdate<RunProgress>(CONTINUE_UPDATE);
