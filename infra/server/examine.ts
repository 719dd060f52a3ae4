/** Whether a Temporal server, whoever started it, has what Rapt needs. Each lack is one sentence, with the command that
 *  mends it. Without this examination a first run would hang, and nobody would know why. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import type { NamedTemporal } from '../../settings/index.ts';
import { OLDEST_TEMPORAL } from '../setup/index.ts';
import { explainRefusal, isRefusal } from './explain-connection.ts';
import { createAttributes, createNamespace, initialize, removeAttribute } from './fix-commands.ts';
import { NEEDED, stateOfAttributes, typeName, type State } from './search-attributes.ts';
import { STATUS, statusOf } from './grpc-status.ts';

/** An answer takes milliseconds; an overloaded server may take longer. */
const PATIENCE_MS = 15_000;
const NAMESPACE_KNOWN_WITHIN_MS = 12_000;
const POLL_MS = 500;

/** A setting of the server, without which it refuses everything about worker deployments. */
const DEPLOYMENTS_SETTING = 'system.enableDeploymentVersions';

/** Something that the server lacks. */
export interface Lack {
  readonly what: 'namespace' | 'server version' | 'search attributes' | 'worker deployments' | 'permission';
  readonly kind: ErrorKind;
  /** One sentence without its full stop. */
  readonly problem: string;
  /** The command that mends it; null when a command will not do. The sentence then says what will. */
  readonly fix: string | null;
}

export interface Examined {
  readonly serverVersion: string;
  readonly lacks: readonly Lack[];
}

/** Looks for all that the server lacks; changes nothing. @throws RaptError accessDenied when the server refuses this
 *  process altogether. */
export async function examineServer(connection: ConnectionLike, named: NamedTemporal): Promise<Examined> {
  return connection
    .withDeadline(Date.now() + PATIENCE_MS, () => examine(connection, named))
    .catch((error: unknown) => {
      throw isRefusal(error) && !(error instanceof RaptError) ? explainRefusal(named) : error;
    });
}

/** Requires that the server lacks nothing. @throws RaptError with the first lack and the command that mends it, and as
 *  `examineServer`. */
export async function requireServer(connection: ConnectionLike, named: NamedTemporal): Promise<void> {
  const [lack] = (await examineServer(connection, named)).lacks;
  if (lack !== undefined) throw asError(lack);
}

export const asError = ({ kind, problem, fix }: Lack): RaptError =>
  new RaptError(kind, fix === null ? problem : `${problem}. Run: ${fix}`);

async function examine(connection: ConnectionLike, named: NamedTemporal): Promise<Examined> {
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  const tooOld = lackOfVersion(serverVersion, named);
  const noNamespace = await lackOfNamespace(connection, named);
  // The other questions are about the namespace.
  if (noNamespace !== null) return { serverVersion, lacks: [noNamespace] };
  const ask = () =>
    Promise.all([
      lackOfAttributes(connection, named),
      tooOld ?? lackOfDeployments(connection, named),
      lackOfPermission(connection, named),
    ]);
  const found = await onceNamespaceIsKnown(ask);
  return { serverVersion, lacks: found.filter((lack) => lack !== null) };
}

function lackOfVersion(version: string, { connection: { address } }: NamedTemporal): Lack | null {
  const numbers = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  // Whoever builds a server may name its version as they like.
  if (numbers === undefined) return null;
  const at = OLDEST_TEMPORAL.findIndex((oldest, index) => numbers[index] !== oldest);
  if (at === -1 || numbers[at]! > OLDEST_TEMPORAL[at]!) return null;
  return {
    what: 'server version',
    kind: ErrorKind.badInput,
    problem:
      `the Temporal server at ${address} is version ${version}, ` +
      `and Rapt needs ${OLDEST_TEMPORAL.join('.')} or later, for its worker deployments; upgrade it`,
    fix: null,
  };
}

async function lackOfNamespace({ workflowService }: ConnectionLike, named: NamedTemporal): Promise<Lack | null> {
  try {
    await workflowService.describeNamespace({ namespace: named.namespace });
    return null;
  } catch (error) {
    if (!isMissingNamespace(error)) throw error;
    return missingNamespace(named);
  }
}

/** Repeats a question until it is answered for a new namespace: the parts of a server learn of it one by one, within
 *  seconds. */
async function onceNamespaceIsKnown<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + NAMESPACE_KNOWN_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isMissingNamespace(error) || Date.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}

export const isMissingNamespace = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'NamespaceNotFoundError' ||
    (statusOf(error) === STATUS.notFound && /namespace/i.test(error.message)));

export function missingNamespace(named: NamedTemporal): Lack {
  const {
    namespace,
    namespaceSetting = 'RAPT_TEMPORAL_NAMESPACE',
    connection: { address },
  } = named;
  return {
    what: 'namespace',
    kind: ErrorKind.notFound,
    problem: `the Temporal server at ${address} has no namespace ${namespace}; correct ${namespaceSetting}, or make it`,
    fix: createNamespace(named),
  };
}

async function lackOfAttributes(connection: ConnectionLike, named: NamedTemporal): Promise<Lack | null> {
  return lackOf(await stateOfAttributes(connection, named.namespace), named, initialize(named));
}

/** What the namespace lacks of search attributes. @param fix the command that registers those that are missing. */
export function lackOf(states: readonly State[], named: NamedTemporal, fix: string): Lack | null {
  const what = 'search attributes';
  const where = `the namespace ${named.namespace} at ${named.connection.address}`;
  const mistyped = NEEDED.flatMap(({ name, type }, index) => {
    const state = states[index]!;
    if (typeof state === 'string') return [];
    const found = state.otherType === null ? 'another type' : typeName(state.otherType);
    return [{ name, told: `${name} as ${found} where Rapt needs ${typeName(type)}` }];
  });
  if (mistyped.length > 0) {
    const told = mistyped.map((attribute) => attribute.told).join(', ');
    const them = mistyped.length === 1 ? 'it' : 'them';
    return {
      what,
      kind: ErrorKind.badInput,
      problem:
        `${where} has the search attribute ${told}; ` +
        `use another namespace, or remove ${them} if nobody else uses ${them}`,
      fix: removeAttribute(
        mistyped.map(({ name }) => name),
        named,
      ),
    };
  }
  const missing = NEEDED.filter((_, index) => states[index] === 'missing');
  if (missing.length === 0) return null;
  const names = missing.map(({ name }) => name).join(', ');
  const attributes = missing.length === 1 ? 'search attribute' : 'search attributes';
  return {
    what,
    kind: ErrorKind.notFound,
    problem: `${where} lacks the ${attributes} ${names}, without which no run gets on`,
    fix,
  };
}

/** The command that registers the missing search attributes by hand, where this process may not do so. */
export const registerByHand = (states: readonly State[], named: NamedTemporal): string =>
  createAttributes(
    NEEDED.filter((_, index) => states[index] === 'missing'),
    named,
  );

async function lackOfDeployments({ workflowService }: ConnectionLike, named: NamedTemporal): Promise<Lack | null> {
  const {
    namespace,
    connection: { address },
  } = named;
  try {
    await workflowService.listWorkerDeployments({ namespace, pageSize: 1 });
    return null;
  } catch (error) {
    const status = statusOf(error);
    const isOff = error instanceof Error && /disabled/i.test(error.message);
    if (status !== STATUS.unimplemented && !isOff) throw error;
    const reason = isOff ? `; set ${DEPLOYMENTS_SETTING} to true in its dynamic configuration` : ': upgrade it';
    return {
      what: 'worker deployments',
      kind: ErrorKind.badInput,
      problem:
        `the Temporal server at ${address} has no worker deployments on the namespace ${namespace}, ` +
        `by which Rapt keeps each run on the version of its workflows${reason}`,
      fix: null,
    };
  }
}

/** Asks to cancel a run that does not exist. The server checks the right to write first, so a refusal tells that this
 *  process does not have it. */
async function lackOfPermission(
  { workflowService }: ConnectionLike,
  { namespace, connection: { address } }: NamedTemporal,
): Promise<Lack | null> {
  try {
    await workflowService.requestCancelWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: `rapt-nothing-${randomUUID()}` },
    });
    return null;
  } catch (error) {
    if (!isRefusal(error)) return null;
    return {
      what: 'permission',
      kind: ErrorKind.accessDenied,
      problem:
        `the Temporal server at ${address} lets this process read the namespace ${namespace} ` +
        'but not work in it; give its key or certificate the right to write there',
      fix: null,
    };
  }
}
