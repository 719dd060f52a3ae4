/** The messages that the workflows answer and take. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { PROGRESS_QUERY, RELEASE_PROGRESS_SIGNAL, TRAINING_PROGRESS_SIGNAL } from '../contracts/index.ts';
import type { ReleaseProgress, RunProgress, TrainingProgress } from '../contracts/index.ts';

export const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);
export const trainingProgressSignal = defineSignal<[TrainingProgress]>(TRAINING_PROGRESS_SIGNAL);
export const releaseProgressSignal = defineSignal<[ReleaseProgress]>(RELEASE_PROGRESS_SIGNAL);
