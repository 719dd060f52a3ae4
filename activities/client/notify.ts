/** A run's changes of state, told to the data owner's own systems as https://www.standardwebhooks.com describes. */
import { createHmac } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { ErrorKind, NOTICES_WANTED_SIGNAL, RaptError, workflowPage, type RunNotice } from '../../contracts/index.ts';
import type { ClientDependencies } from './dependencies.ts';

const ANSWER_TIMEOUT_MS = 15_000;
const GONE = 410;

/** Called as a run begins. Without a webhook, the history stays unchanged. A lost notice fails no run. */
export async function wantNotices({ webhook }: ClientDependencies): Promise<void> {
  const { client, info } = Context.current();
  if (webhook === undefined || !info.workflowExecution) return;
  const { workflowId, runId } = info.workflowExecution;
  await client.workflow
    .getHandle(workflowId, runId)
    .signal(NOTICES_WANTED_SIGNAL)
    .catch(() => undefined);
}

/** The `notify` activity. Whatever is not a 2xx answer is tried again, but for 410: the receiver wants no more.
 *  @throws RaptError that tells neither the address nor the answer, which may hold secrets. */
export async function notify({ webhook }: ClientDependencies, notice: RunNotice): Promise<void> {
  // The worker was started again without a webhook since the run began.
  if (webhook === undefined) return;
  const { cancellationSignal, info } = Context.current();
  const body = JSON.stringify(message(notice, webhook.uiUrl, info.namespace));
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'rapt',
    ...signature(notice.id, body, webhook.secrets, Math.floor(Date.now() / 1000)),
  };
  let answer: Response;
  try {
    answer = await fetch(webhook.url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([cancellationSignal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
  } catch (error) {
    cancellationSignal.throwIfAborted();
    throw new RaptError(ErrorKind.unavailable, `the webhook cannot be reached (${codeOf(error)})`);
  }
  await answer.body?.cancel();
  if (answer.ok) return;
  if (answer.status === GONE)
    throw new RaptError(ErrorKind.notFound, 'the webhook answered 410: it wants no more messages');
  throw new RaptError(ErrorKind.unavailable, `the webhook answered ${answer.status}`);
}

/** @param nowSeconds of this attempt: receivers refuse messages that are old. */
function signature(id: string, body: string, secrets: readonly Buffer[], nowSeconds: number): Record<string, string> {
  const signed = `${id}.${nowSeconds}.${body}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(nowSeconds),
    'webhook-signature': secrets
      .map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
      .join(' '),
  };
}

/** The body is the same at each attempt. */
function message(
  { run, runId, state, stage, at, reason, report }: RunNotice,
  uiUrl: string | null,
  namespace: string,
): unknown {
  const link = workflowPage({ uiUrl, namespace }, run, runId);
  return { type: `run.${state}`, timestamp: at, data: { id: run, runId, state, stage, reason, link, report } };
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown error';
}
