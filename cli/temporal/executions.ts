/** What the server knows of a workflow by its id: its state, its input, its own answers. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { decodeOptionalSinglePayload } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { ErrorKind, PROGRESS_QUERY, RaptError, WORKFLOW_TYPE, type RunProgress } from '../../contracts/index.ts';
import type { Link } from './connection.ts';
import { within } from './time-limit.ts';

const QUERY_TIMEOUT_MS = 3000;

export type Described = Awaited<ReturnType<WorkflowHandle['describe']>>;

/** Null when Temporal knows no such run, or has forgotten it. */
export async function find({ client }: Link, id: string): Promise<Described | null> {
  return client.workflow
    .getHandle(id)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    });
}

/** @throws RaptError notFound when Temporal knows no such run. */
export async function describe(link: Link, id: string): Promise<Described> {
  const found = await find(link, id);
  if (found === null)
    throw new RaptError(ErrorKind.notFound, `there is no run ${id}; \`rapt list\` shows those there are`);
  return found;
}

/** Null when no control worker answers in time. */
export async function queryProgress(handle: WorkflowHandle): Promise<RunProgress | null> {
  return within(QUERY_TIMEOUT_MS, handle.query<RunProgress>(PROGRESS_QUERY).catch(nullUnlessRapt));
}

/** It is no error when no control worker answers, but an answer that cannot be decrypted is one. */
function nullUnlessRapt(error: unknown): null {
  if (error instanceof RaptError) throw error;
  return null;
}

/** The one JSON object that a run was started with. */
export async function inputOf({ client, services }: Link, id: string): Promise<Record<string, unknown>> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: services.temporal.namespace,
    execution: { workflowId: id },
    maximumPageSize: 1,
  });
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return (
    (await decodeOptionalSinglePayload<Record<string, unknown>>(client.options.loadedDataConverter, payload, {
      type: 'workflow',
      namespace: services.temporal.namespace,
      workflowId: id,
    })) ?? {}
  );
}

export async function tenantOf(link: Link, id: string): Promise<string> {
  const { tenant } = await inputOf(link, id);
  return typeof tenant === 'string' ? tenant : 'local';
}

/** All runs that have not ended, with their tenants. A tenant that cannot be read is an error, not a guess: by the
 *  tenant the garbage collection knows what it must keep. */
export async function openRuns(link: Link): Promise<{ tenant: string; run: string }[]> {
  const open: { tenant: string; run: string }[] = [];
  const types = Object.values(WORKFLOW_TYPE)
    .map((type) => `'${type}'`)
    .join(', ');
  for await (const { workflowId } of link.client.workflow.list({
    query: `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`,
  }))
    open.push({ tenant: await tenantOf(link, workflowId), run: workflowId });
  return open;
}

/** Sends an update and waits for its answer. @throws RaptError badInput with the run's own words when it refuses. */
export async function sendUpdate(link: Link, id: string, name: string): Promise<RunProgress> {
  const { status } = await describe(link, id);
  if (status.name !== 'RUNNING')
    throw new RaptError(ErrorKind.badInput, `run ${id} has ended: ${status.name.toLowerCase()}`);
  try {
    return await link.client.workflow.getHandle(id).executeUpdate<RunProgress, []>(name);
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    throw new RaptError(ErrorKind.badInput, `run ${id}: ${error.cause?.message ?? 'refused'}`, { cause: error });
  }
}
