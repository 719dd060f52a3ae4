/** What a webhook is told of a run: where it stands and where more is to be found, and nothing of its content. */
import { z } from 'zod';
import { STAGES } from './progress.ts';

export const RUN_STATES = [
  'started',
  'stage',
  'paused',
  'continued',
  'finished',
  'failed',
  'cancelled',
  'terminated',
] as const;
/** `stage`: the next one has begun. `terminated`: the execution ended without a word of its own, by force, by a time
 *  limit or by a reset. */
export type RunState = (typeof RUN_STATES)[number];

export const hasEnded = (state: RunState): boolean => ['finished', 'failed', 'cancelled', 'terminated'].includes(state);

/** One change of state. */
export const noticeSchema = z.strictObject({
  /** The same at each attempt to deliver it, so that a receiver knows a repetition. */
  id: z.string().max(100),
  /** Workflow id, and Temporal's id of the execution. */
  run: z.string().max(1000),
  runId: z.string().max(100),
  state: z.enum(RUN_STATES),
  stage: z.enum(STAGES),
  /** When the state changed, as ISO 8601. */
  at: z.iso.datetime(),
  /** Kind of the failure that ended the run. Its message is not told: it may name files. */
  reason: z.string().max(100).nullable(),
  /** Where the report lies, once it is written. */
  report: z.string().max(2000).nullable(),
});
export type RunNotice = Readonly<z.output<typeof noticeSchema>>;
