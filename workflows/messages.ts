/** The messages that the workflows answer and take. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { CONTINUE_UPDATE, PAUSE_UPDATE, PROGRESS_QUERY, RELEASE_PROGRESS_SIGNAL, TRAINING_PROGRESS_SIGNAL } from '../contracts/index.ts';
import type { ReleaseProgress, RunProgress, TrainingProgress } from '../contracts/index.ts';

export const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);
export const trainingProgressSignal = defineSignal<[TrainingProgress]>(TRAINING_PROGRESS_SIGNAL);
export const releaseProgressSignal = defineSignal<[ReleaseProgress]>(RELEASE_PROGRESS_SIGNAL);
/** Answers when nothing runs any more, and what was done is stored. */
export const pauseUpdate = defineUpdate<RunProgress>(PAUSE_UPDATE);
export const continueUpdate = defineUpdate<RunProgress>(CONTINUE_UPDATE);
