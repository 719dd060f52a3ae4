/** The command's connection to Temporal, and what it asks there. */
import proto from '@temporalio/proto';
import { Client, Connection, WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError, decodeOptionalSinglePayload } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { clientQueue, CONTROL_QUEUE, ErrorKind, GPU_QUEUE, PROGRESS_QUERY, RaptError, WORKFLOW_TYPE, type RunProgress, type Stage, type TuningResult } from '../contracts/index.ts';
import { explainConnection, explainRefusal, isRefusal, resolveServices, type Services } from '../infra/index.ts';
import { traceStart } from '../telemetry/index.ts';
import { dataConverter } from '../workers/data-converter.ts';
import { EXIT, exitCodeOfKind } from './exit-codes.ts';

const { TaskQueueType } = proto.temporal.api.enums.v1;
const CONNECT_TIMEOUT = '5s';
/** The server keeps it with everything that is asked. By default it would be the user's machine. */
const IDENTITY = 'rapt';
const QUERY_TIMEOUT_MS = 3000;
/** A worker that lives asks for work at least this often: a poll lasts a minute. */
const POLL_SECONDS = 70;

export interface Link {
  readonly client: Client;
  readonly services: Services;
}

/** @throws RaptError unavailable when no Temporal server answers, accessDenied when it refuses this process. */
export async function connectTemporal({ temporal }: Services): Promise<Connection> {
  return Connection.connect({ ...temporal.connection, connectTimeout: CONNECT_TIMEOUT }).catch(async (error: unknown) => {
    throw await explainConnection(error, temporal);
  });
}

/** @throws RaptError as `connectTemporal`. */
export async function withTemporal<T>(body: (link: Link) => Promise<T>): Promise<T> {
  const services = resolveServices();
  const { namespace } = services.temporal;
  const connection = await connectTemporal(services);
  try {
    return await body({ client: new Client({ connection, namespace, identity: IDENTITY, dataConverter: dataConverter(services.keyring), interceptors: { workflow: [traceStart] } }), services });
  } catch (error) {
    // A key may be good and cover another namespace.
    throw !(error instanceof RaptError) && isRefusal(error) ? explainRefusal(services.temporal) : error;
  } finally {
    await connection.close();
  }
}

/** Starts a workflow, or attaches to the one that has this id, running or ended. */
export async function startOrAttach({ client }: Link, type: string, workflowId: string, input: unknown): Promise<{ handle: WorkflowHandle; attached: boolean }> {
  try {
    const handle = await client.workflow.start(type, { workflowId, taskQueue: CONTROL_QUEUE, args: [input], workflowIdReusePolicy: 'REJECT_DUPLICATE', workflowIdConflictPolicy: 'FAIL' });
    return { handle, attached: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle: client.workflow.getHandle(workflowId), attached: true };
  }
}

/** @throws RaptError notFound when there is no such run. */
export async function describe({ client }: Link, id: string): ReturnType<WorkflowHandle['describe']> {
  return client.workflow
    .getHandle(id)
    .describe()
    .catch((cause: unknown) => {
      if (cause instanceof WorkflowNotFoundError) throw new RaptError(ErrorKind.notFound, `there is no run ${id}; \`rapt list\` shows those there are`, { cause });
      throw cause;
    });
}

/** Null when no control worker answers in time. */
export async function queryProgress(handle: WorkflowHandle): Promise<RunProgress | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), QUERY_TIMEOUT_MS)));
  try {
    return await Promise.race([handle.query<RunProgress>(PROGRESS_QUERY).catch(nullUnlessRapt), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A control worker that does not answer is no error, but an answer that cannot be decrypted is. */
function nullUnlessRapt(error: unknown): null {
  if (error instanceof RaptError) throw error;
  return null;
}

/** The queue whose worker a stage waits for. */
export const queueOf = (stage: Stage, tenant: string): string => (stage === 'train' || stage === 'predict' ? GPU_QUEUE : clientQueue(tenant));

/** Whether any worker asked this queue for work within the last minutes. */
export async function hasWorker(link: Link, taskQueue: string, kind: 'workflow' | 'activity'): Promise<boolean> {
  return (await pollersOf(link, taskQueue, kind)).length > 0;
}

async function pollersOf({ client, services }: Link, taskQueue: string, kind: 'workflow' | 'activity'): Promise<proto.temporal.api.taskqueue.v1.IPollerInfo[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: services.temporal.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: kind === 'workflow' ? TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW : TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  return pollers;
}

/** The one JSON object that a run was started with. */
export async function inputOf({ client, services }: Link, id: string): Promise<Record<string, unknown>> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: services.temporal.namespace,
    execution: { workflowId: id },
    maximumPageSize: 1,
  });
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return (await decodeOptionalSinglePayload<Record<string, unknown>>(client.options.loadedDataConverter, payload)) ?? {};
}

/** What a completed run was given, and gave. @throws RaptError notFound; badInput when it has not completed. */
export async function finishedRun(link: Link, id: string): Promise<{ input: Record<string, unknown>; result: TuningResult }> {
  const { status, type } = await describe(link, id);
  if (type !== WORKFLOW_TYPE.tuning) throw new RaptError(ErrorKind.badInput, `${id} is no tuning run but a ${type}`);
  if (status.name !== 'COMPLETED') throw new RaptError(ErrorKind.badInput, `run ${id} has not completed: ${status.name.toLowerCase()}`);
  return { input: await inputOf(link, id), result: (await link.client.workflow.getHandle(id).result()) as TuningResult };
}

export async function tenantOf(link: Link, id: string): Promise<string> {
  const { tenant } = await inputOf(link, id);
  return typeof tenant === 'string' ? tenant : 'local';
}

/** All runs that have not ended, with their tenants. A tenant that cannot be read is no reason to guess: what belongs to open runs is kept by it. */
export async function openRuns(link: Link): Promise<{ tenant: string; run: string }[]> {
  const open: { tenant: string; run: string }[] = [];
  const types = Object.values(WORKFLOW_TYPE).map((type) => `'${type}'`).join(', ');
  for await (const { workflowId } of link.client.workflow.list({ query: `ExecutionStatus = 'Running' AND WorkflowType IN (${types})` })) open.push({ tenant: await tenantOf(link, workflowId), run: workflowId });
  return open;
}

/** Sends an update and waits for its answer. @throws RaptError badInput with the run's own words when it refuses. */
export async function sendUpdate(link: Link, id: string, name: string): Promise<RunProgress> {
  const { status } = await describe(link, id);
  if (status.name !== 'RUNNING') throw new RaptError(ErrorKind.badInput, `run ${id} has ended: ${status.name.toLowerCase()}`);
  try {
    return await link.client.workflow.getHandle(id).executeUpdate<RunProgress, []>(name);
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    throw new RaptError(ErrorKind.badInput, `run ${id}: ${error.cause?.message ?? 'refused'}`, { cause: error });
  }
}

/** The version of the workflows to which a run is pinned when no worker of it asked for work lately; null when the run can go on. */
export async function abandonedVersion(link: Link, id: string): Promise<string | null> {
  const { raw } = await describe(link, id);
  const buildId = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? '';
  if (buildId === '') return null;
  const pollers = await pollersOf(link, CONTROL_QUEUE, 'workflow');
  const lately = Date.now() / 1000 - POLL_SECONDS;
  return pollers.some(({ deploymentOptions, lastAccessTime }) => deploymentOptions?.buildId === buildId && Number(lastAccessTime?.seconds ?? 0) > lately) ? null : buildId;
}

/** Why the attempt before failed of an activity that is waiting to be tried again, and when it will be. */
export async function failedAttempt(link: Link, id: string): Promise<string | null> {
  const { raw } = await describe(link, id);
  for (const { activityType, attempt, lastFailure } of raw.pendingActivities ?? []) {
    if (!lastFailure || (attempt ?? 0) < 2) continue;
    const error = await decodeOptionalFailureToOptionalError(link.client.options.loadedDataConverter, lastFailure);
    const reason = error instanceof TimeoutFailure || error === undefined ? 'its worker fell silent' : error.message;
    return `${activityType?.name ?? 'activity'}: attempt ${attempt}, since the one before failed: ${reason}`;
  }
  return null;
}

/** Kinds whose message says how to go on. */
const SAY_WHAT_TO_DO: readonly string[] = [ErrorKind.diverged, ErrorKind.trainerGivenUp];

/** Why a run ended without a result, for people, and the exit code that says so. */
export function explainFailure(error: unknown, id: string): { message: string; exitCode: number } {
  if (!(error instanceof WorkflowFailedError)) throw error;
  let cause: unknown = error.cause;
  while (cause instanceof Error && !(cause instanceof ApplicationFailure) && cause.cause !== undefined) cause = cause.cause;
  const again = `\`rapt resume ${id}\` goes on from what it has`;
  if (cause instanceof CancelledFailure) return { message: `the run was cancelled; ${again}`, exitCode: EXIT.failed };
  if (cause instanceof TerminatedFailure) return { message: `the run was terminated; ${again}`, exitCode: EXIT.failed };
  if (cause instanceof TimeoutFailure) return { message: `the run timed out: ${cause.message}; ${again}`, exitCode: EXIT.unavailable };
  if (!(cause instanceof ApplicationFailure)) return { message: `the run failed; see it in the Temporal UI. ${again}`, exitCode: EXIT.failed };
  const exitCode = exitCodeOfKind(cause.type);
  const saysMore = exitCode === EXIT.badInput || SAY_WHAT_TO_DO.includes(cause.type ?? '');
  return { message: saysMore ? cause.message : `${cause.message}\n${again}`, exitCode };
}
