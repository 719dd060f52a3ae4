/** How a run came out for the job that asked for it. */
import { RaptError, type Gates } from '../../contracts/index.ts';
import { CommandFailure, EXIT, exitCodeOf } from '../terminal/exit-codes.ts';
import type { Followed } from '../runs/follow.ts';

/** What is known of a run before it has ended. */
export interface AskedRun {
  readonly id: string;
  readonly tenant: string;
  /** Conditions that it is to be held against. */
  readonly gates: Gates;
  /** What has to be known of it besides how it came out, such as that it had finished before. */
  readonly remarks?: readonly string[];
}

/** What waiting gave, or why there was no waiting. */
export type Outcome =
  | Followed
  | {
      readonly result: null;
      readonly status: 'aborted' | 'unknown';
      readonly message: string;
      readonly exitCode: number;
    };

/** What files say while nobody knows better: a job can be killed without a word. */
export const UNKNOWN: Outcome = {
  result: null,
  status: 'unknown',
  message: 'the job ended before its run did, and could not say how it came out',
  exitCode: EXIT.failed,
};

/** The error that ended the command. Of one that is not Rapt's own the message may quote a text, and a job's pages have
 *  other readers than its owner's terminal. */
export function aborted(error: unknown): Outcome {
  const own = error instanceof RaptError || error instanceof CommandFailure;
  const message = own
    ? error.message
    : `unexpected ${error instanceof Error ? error.name : 'error'}; the output of the command has the rest`;
  return { result: null, status: 'aborted', message, exitCode: exitCodeOf(error) };
}

/** In a few words, after "the run". */
export function verdictOf(outcome: Outcome): string {
  if (outcome.result !== null) return outcome.result.gates.every(({ passed }) => passed) ? 'finished' : 'missed a gate';
  if (outcome.status === 'running')
    return outcome.exitCode === EXIT.interrupted ? 'goes on; the waiting was interrupted' : 'has not ended in time';
  if (outcome.status === 'aborted')
    return outcome.exitCode === EXIT.badInput ? 'was refused' : 'could not be carried out';
  return { failed: 'failed', cancelled: 'was cancelled', unknown: 'came out in a way that is not known' }[
    outcome.status
  ];
}
