/** What a webhook is told of a run: where it stands and where more is to be found, and nothing of its content. */
import type { Stage } from './progress.ts';

export const RUN_STATES = ['started', 'stage', 'paused', 'continued', 'finished', 'failed', 'cancelled', 'terminated'] as const;
/** `stage`: the next one has begun. `terminated`: the execution ended without a word of its own, by force, by a time limit or by a reset. */
export type RunState = (typeof RUN_STATES)[number];

export const hasEnded = (state: RunState): boolean => ['finished', 'failed', 'cancelled', 'terminated'].includes(state);

/** One change of state. */
export interface RunNotice {
  /** The same at each attempt to deliver it, so that a receiver knows a repetition. */
  readonly id: string;
  /** Workflow id, and Temporal's id of the execution. */
  readonly run: string;
  readonly runId: string;
  readonly state: RunState;
  readonly stage: Stage;
  /** When the state changed, as ISO 8601. */
  readonly at: string;
  /** Kind of the failure that ended the run. Its message is not told: it may name files. */
  readonly reason: string | null;
  /** Where the report lies, once it is written. */
  readonly report: string | null;
}
