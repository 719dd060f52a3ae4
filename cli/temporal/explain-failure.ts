/** Why a workflow ended without a result. */
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { ErrorKind } from '../../contracts/index.ts';
import { EXIT, exitCodeOfKind } from '../terminal/exit-codes.ts';
import { readable } from './sealed-message.ts';

/** Kinds of failures whose message already says how to go on. */
const SAY_WHAT_TO_DO: readonly string[] = [ErrorKind.diverged, ErrorKind.trainerGivenUp];

/** Why a run, or a prediction, ended without a result: a sentence for the user, and the exit code of the command. */
export function explainFailure(
  error: unknown,
  id: string,
  what: 'run' | 'prediction' = 'run',
): { message: string; exitCode: number } {
  if (!(error instanceof WorkflowFailedError)) throw error;
  let cause: unknown = error.cause;
  while (cause instanceof Error && !(cause instanceof ApplicationFailure) && cause.cause !== undefined)
    cause = cause.cause;
  const again =
    what === 'run'
      ? `\`rapt resume ${id}\` goes on from what it has`
      : 'ask again: texts that were privatized are not privatized a second time';
  if (cause instanceof CancelledFailure)
    return { message: `the ${what} was cancelled; ${again}`, exitCode: EXIT.failed };
  if (cause instanceof TerminatedFailure)
    return { message: `the ${what} was terminated; ${again}`, exitCode: EXIT.failed };
  if (cause instanceof TimeoutFailure)
    return { message: `the ${what} timed out: ${cause.message}; ${again}`, exitCode: EXIT.unavailable };
  if (!(cause instanceof ApplicationFailure))
    return { message: `the ${what} failed; see it in the Temporal UI. ${again}`, exitCode: EXIT.failed };
  const exitCode = exitCodeOfKind(cause.type);
  const saysMore = exitCode === EXIT.badInput || SAY_WHAT_TO_DO.includes(cause.type ?? '');
  const message = readable(cause.message);
  return { message: saysMore ? message : `${message}\n${again}`, exitCode };
}
