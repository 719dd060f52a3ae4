/** The command's connection to Temporal, and what it asks there. */
import proto from '@temporalio/proto';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import {
  decodeOptionalFailureToOptionalError,
  decodeOptionalSinglePayload,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import {
  BadInput,
  clientQueue,
  CONTROL_QUEUE,
  ErrorKind,
  GPU_QUEUE,
  idProblems,
  PROGRESS_QUERY,
  RaptError,
  SEALED,
  WORKFLOW_TYPE,
  type PredictInput,
  type RunProgress,
  type Stage,
  type TuningConfig,
} from '../../contracts/index.ts';
import {
  asError,
  explainConnection,
  explainRefusal,
  isMissingNamespace,
  isRefusal,
  missingNamespace,
  requireServer,
} from '../../infra/index.ts';
import {
  assertEncrypts,
  checkAddress,
  namedTemporal,
  resolveOwnerKeys,
  resolveServices,
  type NamedTemporal,
  type Services,
} from '../../settings/index.ts';
import { traceStart } from '../../telemetry/index.ts';
import { dataConverter } from '../../workers/data-converter.ts';
import { EXIT, exitCodeOfKind } from '../terminal/exit-codes.ts';
import { RetriesUntilClosed } from './quiet-close.ts';
import { giveWord } from '../runs/owner-word.ts';

const { PendingActivityState, TaskQueueType, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;
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
export async function connectTemporal({ temporal }: { readonly temporal: NamedTemporal }): Promise<Connection> {
  const retries = new RetriesUntilClosed();
  const connection = await Connection.connect({
    ...temporal.connection,
    connectTimeout: CONNECT_TIMEOUT,
    interceptors: [retries.interceptor],
  }).catch(async (error: unknown) => {
    throw await explainConnection(error, temporal);
  });
  return retries.endWith(connection);
}

/** The server that all commands use, unless another is given by its parts. */
export function namedServer({
  address,
  namespace,
}: {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
}): NamedTemporal {
  if (address !== undefined) checkAddress(address, '--address');
  // The rest of what the environment says of a server counts only together with an address.
  const { temporal } = resolveServices(
    address === undefined ? process.env : { ...process.env, RAPT_TEMPORAL_ADDRESS: address },
  );
  return namespace === undefined
    ? temporal
    : { connection: temporal.connection, namespace, namespaceSetting: '--namespace' };
}

/** @throws RaptError as `connectTemporal`. */
export async function withTemporal<T>(body: (link: Link) => Promise<T>): Promise<T> {
  const services = resolveServices();
  const { namespace } = services.temporal;
  const connection = await connectTemporal(services);
  try {
    return await body({
      client: new Client({
        connection,
        namespace,
        identity: IDENTITY,
        dataConverter: dataConverter(services.keyring, undefined, {
          ownerKeys: resolveOwnerKeys(namedTemporal() === null),
        }),
        interceptors: { workflow: [traceStart] },
      }),
      services,
    });
  } catch (error) {
    if (error instanceof RaptError) throw error;
    // A key may be good and cover another namespace.
    if (isRefusal(error)) throw explainRefusal(services.temporal);
    throw isMissingNamespace(error) ? asError(missingNamespace(services.temporal)) : error;
  } finally {
    await connection.close();
  }
}

export interface StartOptions {
  /** Leaves it to the policy of the client whether it does this. Otherwise whoever starts it on the client's machine
   *  gives the owner's word for it. */
  readonly byPolicy?: boolean | undefined;
}

/** Starts a workflow, unless there is one of this id, running or ended. @returns whether it was started.
 *  @throws RaptError when the server lacks something without which the run would hang. */
export async function startWorkflow(
  { client, services }: Link,
  type: string,
  workflowId: string,
  input: TuningConfig | PredictInput,
  { byPolicy }: StartOptions = {},
): Promise<boolean> {
  const problems = idProblems(workflowId, type === WORKFLOW_TYPE.tuning ? 'run' : 'prediction', workflowId);
  if (problems.length > 0) throw new BadInput(problems);
  await requireServer(client.connection, services.temporal);
  assertEncrypts(services);
  // Before it is asked for: the client worker may look for it at once.
  if (!byPolicy) await giveWord(workflowId, input);
  try {
    await client.workflow.start(type, {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}

export type Described = Awaited<ReturnType<WorkflowHandle['describe']>>;

/** Null when Temporal knows no such run, or no longer does. */
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
export const queueOf = (stage: Stage, tenant: string): string =>
  stage === 'train' || stage === 'predict' ? GPU_QUEUE : clientQueue(tenant);

/** Whether a worker asks this queue for work. One that has all the work that it does at a time asks for none. */
export async function hasWorker(link: Link, taskQueue: string, kind: 'workflow' | 'activity'): Promise<boolean> {
  return (await pollersOf(link, taskQueue, kind)).length > 0;
}

/** Those that live: the server remembers others for some minutes. */
async function pollersOf(
  { client, services }: Link,
  taskQueue: string,
  kind: 'workflow' | 'activity',
): Promise<proto.temporal.api.taskqueue.v1.IPollerInfo[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: services.temporal.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType:
      kind === 'workflow' ? TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW : TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  const lately = Date.now() / 1000 - POLL_SECONDS;
  return pollers.filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) > lately);
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

/** All runs that have not ended, with their tenants. A tenant that cannot be read is no reason to guess: what belongs
 *  to open runs is kept by it. */
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

/** The version of the workflows to which a run is pinned when no worker of it asked for work lately; null when the run
 *  can go on. */
export async function abandonedVersion(link: Link, { raw }: Described): Promise<string | null> {
  const buildId = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? '';
  if (buildId === '') return null;
  const pollers = await pollersOf(link, CONTROL_QUEUE, 'workflow');
  return pollers.some(({ deploymentOptions }) => deploymentOptions?.buildId === buildId) ? null : buildId;
}

/** Whether a worker is at an activity of a run. */
export const isAtWork = ({ raw }: Described): boolean =>
  (raw.pendingActivities ?? []).some(({ state }) => state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED);

/** Why the attempt before failed of an activity that is waiting to be tried again, and when it will be. */
export async function failedAttempt(link: Link, { raw }: Described): Promise<string | null> {
  for (const { activityType, attempt, lastFailure } of raw.pendingActivities ?? []) {
    if (!lastFailure || (attempt ?? 0) < 2) continue;
    const error = await decodeOptionalFailureToOptionalError(link.client.options.loadedDataConverter, lastFailure);
    const reason =
      error instanceof TimeoutFailure || error === undefined ? 'its worker fell silent' : readable(error.message);
    return `${activityType?.name ?? 'activity'}: attempt ${attempt}, since the one before failed: ${reason}`;
  }
  return null;
}

/** Events back from a history's end among which the failure of its newest task is: the tries after the first are not
 *  written down. */
const EVENTS_BACK = 20;

/** Why the workflow itself gets no further: its task fails, and the server has it tried again without end. Null when it
 *  does not. */
export async function failedWorkflowTask(link: Link, { raw, workflowId }: Described): Promise<string | null> {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  if (attempt < 2) return null;
  const { client, services } = link;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: services.temporal.namespace,
    execution: { workflowId },
    maximumPageSize: EVENTS_BACK,
  });
  const failed = history?.events?.find(
    ({ workflowTaskFailedEventAttributes: found }) => found,
  )?.workflowTaskFailedEventAttributes;
  if (!failed) return `the workflow's own task got no answer from a control worker, attempt ${attempt}`;
  const error = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, failed.failure);
  const reason = error?.message ?? WorkflowTaskFailedCause[failed.cause ?? 0] ?? 'unknown reason';
  return (
    `the workflow's own task fails, attempt ${attempt}: ${reason}; \`rapt doctor\` looks for what its server lacks, ` +
    'and the log of the control worker says more'
  );
}

/** An activity that is under way, or waits for a worker. */
export interface PendingActivity {
  readonly type: string;
  /** What it said last with a heartbeat; empty before that. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** Null when no activity is pending: the workflow itself is at work, or waits for its worker. */
export async function pendingActivity({ client }: Link, { raw }: Described): Promise<PendingActivity | null> {
  const [found] = raw.pendingActivities ?? [];
  if (!found) return null;
  const said = await decodeOptionalSinglePayload<Record<string, unknown> | null>(
    client.options.loadedDataConverter,
    found.heartbeatDetails?.payloads?.[0],
  );
  return { type: found.activityType?.name ?? 'activity', said: said ?? {} };
}

/** What the client sealed comes opened where the owner's key is. */
function readable(message: string): string {
  const [sealed, key] = SEALED.exec(message) ?? [];
  return sealed === undefined
    ? message
    : `its reason is sealed with the owner key ${key}, which is not here: name the file that holds it in ` +
        'RAPT_OWNER_KEYS_FILE';
}

/** Kinds whose message says how to go on. */
const SAY_WHAT_TO_DO: readonly string[] = [ErrorKind.diverged, ErrorKind.trainerGivenUp];

/** Why a run, or a prediction, ended without a result, for people, and the exit code that says so. */
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
