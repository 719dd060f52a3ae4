/** All that the provider's side holds: Temporal's database and what its server tells, every version of every object,
 *  logs, processes, disks. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowService } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { minioClient } from '../minio-client.ts';
import {
  clientQueue,
  CONTROL_QUEUE,
  DEPLOYMENT_NAME,
  GPU_QUEUE,
  PROGRESS_QUERY,
  WORKFLOW_TYPE,
} from '../../../contracts/index.ts';
import type { StoreOptions } from '../../../storage/index.ts';
import type { Place } from './search.ts';

const api = proto.temporal.api.workflowservice.v1;
const { History } = proto.temporal.api.history.v1;
const { WorkflowExecutionInfo } = proto.temporal.api.workflow.v1;
const { TaskQueueType } = proto.temporal.api.enums.v1;

/** Every file below a folder, as a place of its own. @param named which ones, by their path from there. */
export function* filesIn(kind: string, folder: string, named = /(?:)/): Generator<Place> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!named.test(name)) continue;
    const bytes = read(join(folder, name));
    if (bytes !== null) yield { kind, name, bytes };
  }
}

/** Null for what is no file, or not there any more. */
function read(path: string): Buffer | null {
  try {
    return statSync(path).isFile() ? readFileSync(path) : null;
  } catch {
    return null;
  }
}

/** Environment and arguments of processes, and of those that they started. */
export function* processes(pids: readonly number[]): Generator<Place> {
  for (const pid of withDescendants(pids)) {
    const [environment, command] = [read(`/proc/${pid}/environ`), read(`/proc/${pid}/cmdline`)];
    if (environment !== null) yield { kind: 'process environment', name: `process ${pid}`, bytes: environment };
    if (command !== null) yield { kind: 'process arguments', name: `process ${pid}`, bytes: command };
  }
}

function withDescendants(pids: readonly number[]): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const fields = read(`/proc/${pid}/stat`)
        ?.toString('latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields === undefined ? [] : [[Number(pid), Number(fields[1])] as const];
    });
  const found = new Set(pids);
  // A process may have a smaller number than its parent.
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** Pages of workers with their metrics. */
export async function* metricsPages(addresses: readonly string[]): AsyncGenerator<Place> {
  for (const address of addresses)
    yield {
      kind: 'page of metrics',
      name: address,
      bytes: Buffer.from(await (await fetch(`http://${address}/metrics`)).arrayBuffer()),
    };
}

/** Every version of every object in every bucket, with its name and metadata. */
export async function* objects(options: StoreOptions): AsyncGenerator<Place> {
  const client = minioClient(options);
  for (const { name: bucket } of await client.listBuckets()) {
    const listed = client.listObjects(bucket, '', true, { IncludeVersion: true }) as AsyncIterable<{
      name: string;
      versionId: string;
      isLatest?: boolean;
      isDeleteMarker?: boolean;
    }>;
    for await (const { name, versionId, isLatest, isDeleteMarker } of listed) {
      if (isDeleteMarker === true) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of (await client.getObject(bucket, name, { versionId })) as AsyncIterable<Buffer>)
        chunks.push(chunk);
      const { metaData } = await client.statObject(bucket, name, { versionId });
      const kind = isLatest === true ? 'object' : 'older version of an object';
      yield { kind, name: `${bucket}/${name}`, bytes: Buffer.concat(chunks) };
      yield { kind: "object's metadata", name: `${bucket}/${name}`, bytes: Buffer.from(JSON.stringify(metaData)) };
    }
  }
}

/** Namespaces of the server, and what its own workflows are kept apart by. */
const ALL = [
  { namespace: 'default', query: '' },
  { namespace: 'default', query: 'TemporalNamespaceDivision IS NOT NULL' },
  { namespace: 'temporal-system', query: '' },
] as const;
const OPEN = [{ namespace: 'default', query: "ExecutionStatus = 'Running'" }] as const;

type Which = 'all' | 'open';
type Execution = proto.temporal.api.common.v1.IWorkflowExecution;

/** What the server tells of workflows to whoever asks without the keys: histories, and descriptions with memo, search
 *  attributes, heartbeats and failures of pending activities. */
export async function* workflows(service: WorkflowService, which: Which): AsyncGenerator<Place> {
  for await (const { namespace, name, execution, listed } of executions(service, which)) {
    yield { kind: 'list of workflows', name, bytes: listed };
    yield {
      kind: 'history',
      name,
      bytes: History.encode({ events: await eventsOf(service, namespace, execution) }).finish(),
    };
    const description = await service.describeWorkflowExecution({ namespace, execution });
    yield { kind: 'description', name, bytes: api.DescribeWorkflowExecutionResponse.encode(description).finish() };
  }
}

/** Answers to queries, those of the workflows and that which the SDK gives for them. */
export async function* answers(service: WorkflowService, which: Which): AsyncGenerator<Place> {
  for await (const { namespace, name, execution, type } of executions(service, which)) {
    if (!Object.values<string>(WORKFLOW_TYPE).includes(type)) continue;
    for (const queryType of [PROGRESS_QUERY, '__temporal_workflow_metadata']) {
      const answer = await service
        .queryWorkflow({ namespace, execution, query: { queryType } })
        .catch((error: unknown) => String(error));
      yield {
        kind: 'answer to a query',
        name: `${name} ${queryType}`,
        bytes: typeof answer === 'string' ? Buffer.from(answer) : api.QueryWorkflowResponse.encode(answer).finish(),
      };
    }
  }
}

/** What the histories say to whoever has the keys. @param codecs in the order in which they decode. @param without a
 *  type of workflow that is left out. */
export async function* decrypted(
  service: WorkflowService,
  codecs: readonly PayloadCodec[],
  without: string,
): AsyncGenerator<Place> {
  for await (const { namespace, name, execution, type } of executions(service, 'all')) {
    if (type === without) continue;
    let payloads = payloadsIn(await eventsOf(service, namespace, execution));
    for (const codec of codecs) payloads = await codec.decode(payloads);
    for (const { data } of payloads) yield { kind: 'decrypted payload', name, bytes: Buffer.from(data ?? []) };
  }
}

async function* executions(
  service: WorkflowService,
  which: Which,
): AsyncGenerator<{ namespace: string; name: string; execution: Execution; type: string; listed: Uint8Array }> {
  for (const { namespace, query } of which === 'all' ? ALL : OPEN) {
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await service.listWorkflowExecutions({ namespace, query, nextPageToken });
      for (const info of page.executions) {
        const execution = info.execution!;
        yield {
          namespace,
          name: `${execution.workflowId} ${execution.runId}`,
          execution,
          type: info.type?.name ?? '',
          listed: WorkflowExecutionInfo.encode(info).finish(),
        };
      }
      ({ nextPageToken } = page);
    } while (nextPageToken.length > 0);
  }
}

async function eventsOf(
  service: WorkflowService,
  namespace: string,
  execution: Execution,
): Promise<proto.temporal.api.history.v1.IHistoryEvent[]> {
  const events: proto.temporal.api.history.v1.IHistoryEvent[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await service.getWorkflowExecutionHistory({ namespace, execution, nextPageToken });
    events.push(...(page.history?.events ?? []));
    ({ nextPageToken } = page);
  } while (nextPageToken.length > 0);
  return events;
}

/** Payloads anywhere in a message. */
function payloadsIn(message: unknown): Payload[] {
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return [];
  return isPayload(message) ? [message] : Object.values(message).flatMap(payloadsIn);
}

const isPayload = (message: object): message is Payload =>
  'data' in message && message.data instanceof Uint8Array && 'metadata' in message;

/** What it tells of itself: its namespaces, who polls its queues, and the versions of the workflows. */
export async function* server(service: WorkflowService): AsyncGenerator<Place> {
  for (const { namespace } of ALL)
    yield {
      kind: 'description',
      name: `namespace ${namespace}`,
      bytes: api.DescribeNamespaceResponse.encode(await service.describeNamespace({ namespace })).finish(),
    };
  for (const name of [CONTROL_QUEUE, GPU_QUEUE, clientQueue('local')])
    for (const taskQueueType of [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY])
      yield {
        kind: 'pollers of a queue',
        name,
        bytes: api.DescribeTaskQueueResponse.encode(
          await service.describeTaskQueue({ namespace: 'default', taskQueue: { name }, taskQueueType }),
        ).finish(),
      };
  const deployment = await service.describeWorkerDeployment({ namespace: 'default', deploymentName: DEPLOYMENT_NAME });
  yield {
    kind: 'description',
    name: `deployment ${DEPLOYMENT_NAME}`,
    bytes: api.DescribeWorkerDeploymentResponse.encode(deployment).finish(),
  };
}

/** Looks again and again at places that change, and keeps all that it ever saw there. */
export class Watch {
  readonly #look: () => AsyncIterable<Place> | Iterable<Place>;
  readonly #seen = new Map<string, Place>();
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(look: () => AsyncIterable<Place> | Iterable<Place>, everyMs: number) {
    this.#look = look;
    this.#running = this.#repeat(everyMs);
  }

  /** @returns each content once. */
  async stop(): Promise<Place[]> {
    this.#stopped = true;
    await this.#running;
    return [...this.#seen.values()];
  }

  async #repeat(everyMs: number): Promise<void> {
    while (!this.#stopped) {
      try {
        for await (const place of this.#look()) {
          const content = createHash('sha256').update(place.bytes).digest('hex');
          this.#seen.set(`${place.kind} ${place.name} ${content}`, place);
        }
      } catch {
        // A server is down: what it holds is looked at when it is back.
      }
      await sleep(everyMs);
    }
  }
}
