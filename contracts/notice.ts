/** What a webhook is told of a run: where it stands, and where to find more; nothing of its content. */
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
/** `stage`: the next stage has begun. `terminated`: the execution was ended from outside, by force, by a time limit or
 *  by a reset, and could not say anything itself. */
export type RunState = (typeof RUN_STATES)[number];

export const hasEnded = (state: RunState): boolean => ['finished', 'failed', 'cancelled', 'terminated'].includes(state);

/** One change of state. */
export const noticeSchema = z.strictObject({
  /** The same at each attempt to deliver the notice, so that a receiver recognizes a repetition. */
  id: z.string().max(100),
  /** The workflow id, and Temporal's id of the execution. */
  run: z.string().max(1000),
  runId: z.string().max(100),
  state: z.enum(RUN_STATES),
  stage: z.enum(STAGES),
  /** When the state changed, as ISO 8601. */
  at: z.iso.datetime(),
  /** The kind of the failure that ended the run. Its message is not told, since it may name files. */
  reason: z.string().max(100).nullable(),
  /** Where the report lies, once it is written. */
  report: z.string().max(2000).nullable(),
});
export type RunNotice = Readonly<z.output<typeof noticeSchema>>;
