/** The search attributes that Rapt's workflows set, on a server that anybody may have started. A workflow that sets an
 *  attribute which the namespace does not have fails its task again and again, and nobody is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import { searchAttributes } from '../../contracts/index.ts';
import { isRefusal } from './explain-connection.ts';
import { STATUS, statusOf } from './grpc-status.ts';

/** Names of Temporal's IndexedValueType by their numbers, as the server's own commands write them. */
const TYPE_NAMES = ['of no type', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'] as const;
const TYPE_NUMBER = { TEXT: 1, KEYWORD: 2, INT: 3, DOUBLE: 4, BOOL: 5, DATETIME: 6, KEYWORD_LIST: 7 } as const;

export interface SearchAttribute {
  readonly name: string;
  /** The type, by Temporal's number. */
  readonly type: number;
}

export const NEEDED: readonly SearchAttribute[] = Object.values(searchAttributes).map(({ name, type }) => ({
  name,
  type: TYPE_NUMBER[type],
}));

export const typeName = (type: number): string => TYPE_NAMES[type] ?? 'of an unknown type';

/** The state of an attribute on a namespace: as it must be, missing, or of another type, which is null where the server
 *  does not tell it. */
export type State = 'right' | 'missing' | { readonly otherType: number | null };

/** The state of each attribute on a namespace, in the order of `NEEDED`. */
export async function stateOfAttributes(connection: ConnectionLike, namespace: string): Promise<State[]> {
  const listed = await list(connection, namespace);
  if (listed === null) return Promise.all(NEEDED.map((attribute) => probe(connection, namespace, attribute)));
  return NEEDED.map(({ name, type }) => {
    const found = listed[name];
    return found === undefined ? 'missing' : found === type ? 'right' : { otherType: found };
  });
}

/** Types by name; null when this process may not use the operator's interface, as on Temporal Cloud. */
async function list(
  { operatorService }: ConnectionLike,
  namespace: string,
): Promise<Readonly<Record<string, number>> | null> {
  try {
    return (await operatorService.listSearchAttributes({ namespace })).customAttributes;
  } catch (error) {
    if (isRefusal(error) || statusOf(error) === STATUS.unimplemented) return null;
    throw error;
  }
}

/** Finds the state of an attribute by a query that names it. Whoever may read runs may ask such a query. */
async function probe(
  { workflowService }: ConnectionLike,
  namespace: string,
  { name, type }: SearchAttribute,
): Promise<State> {
  const value = type === TYPE_NUMBER.DOUBLE ? '0.5' : "'x'";
  try {
    await workflowService.countWorkflowExecutions({ namespace, query: `${name} = ${value}` });
    return 'right';
  } catch (error) {
    if (statusOf(error) !== STATUS.invalidArgument) throw error;
    return error instanceof Error && /value type|invalid value/i.test(error.message) ? { otherType: null } : 'missing';
  }
}

/** Time in which all parts of a server should know a new attribute. */
const KNOWN_WITHIN_MS = 60_000;
const POLL_MS = 200;

/** Registers attributes, and waits until the server takes them in a query.
 *  @returns false when it does not yet. @throws what the server answers, such as a refusal. */
export async function register(
  connection: ConnectionLike,
  namespace: string,
  attributes: readonly SearchAttribute[],
): Promise<boolean> {
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(attributes.map(({ name, type }) => [name, type])),
  });
  const deadline = Date.now() + KNOWN_WITHIN_MS;
  for (;;) {
    const states = await Promise.all(attributes.map((attribute) => probe(connection, namespace, attribute)));
    if (!states.includes('missing')) return true;
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
}
