/** Why an earlier attempt or run ended, as far as Temporal knows, in words. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { holdsSealed } from '../../contracts/index.ts';

/** For example "lost its worker, which fell silent: killed, frozen or cut off"; null when the server cannot be asked,
 *  since words for people must not fail the work. */
export async function whyLastAttemptEnded(): Promise<string | null> {
  const { info, client } = Context.current();
  if (info.workflowExecution === undefined) return null;
  const { workflowId, runId } = info.workflowExecution;
  try {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const pending = raw.pendingActivities?.find(({ activityId }) => activityId === info.activityId);
    return explain(
      await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, pending?.lastFailure),
    );
  } catch {
    return null;
  }
}

/** For example "which was cancelled"; null when the server cannot be asked or knows no such run. */
export async function howRunEnded(run: string): Promise<string | null> {
  try {
    const handle = Context.current().client.workflow.getHandle(run);
    const { status } = await handle.describe();
    if (status.name === 'RUNNING') return 'which is still running';
    if (status.name === 'COMPLETED') return 'which has completed';
    return `which ${explain(await failureOf(handle)) ?? `ended as ${status.name.toLowerCase()}`}`;
  } catch {
    return null;
  }
}

async function failureOf(handle: WorkflowHandle): Promise<unknown> {
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  return error instanceof WorkflowFailedError ? error.cause : error;
}

function explain(error: unknown): string | null {
  let at = error;
  // A workflow's failure wraps that of its activity.
  while (at instanceof Error && !(at instanceof ApplicationFailure) && at.cause instanceof Error) at = at.cause;
  if (at instanceof CancelledFailure) return 'was cancelled';
  if (at instanceof TerminatedFailure) return 'was terminated';
  if (at instanceof TimeoutFailure)
    return at.timeoutType === 'HEARTBEAT'
      ? 'lost its worker, which fell silent: killed, frozen or cut off'
      : 'ran out of time';
  if (!(at instanceof ApplicationFailure)) return null;
  if (/shutting down/.test(at.message)) return 'ended with its worker, which was told to shut down';
  return holdsSealed(at.message) ? `failed on the client (${at.type ?? 'unknown kind'})` : `failed: ${at.message}`;
}
