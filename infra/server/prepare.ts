/** Prepares a namespace for Rapt. What is there already stays as it is, so that this may be repeated. */
import type { ConnectionLike } from '@temporalio/client';
import { ErrorKind } from '../../contracts/index.ts';
import type { NamedTemporal } from '../../settings/index.ts';
import { isRefusal } from './explain-connection.ts';
import { examineServer, lackOf, registerByHand, type Examined, type Lack } from './examine.ts';
import { NEEDED, register, stateOfAttributes, typeName } from './search-attributes.ts';
import { STATUS, statusOf } from './grpc-status.ts';

export interface Prepared extends Examined {
  /** Names and types of the search attributes that this call registered. */
  readonly registered: readonly { readonly name: string; readonly type: string }[];
}

/** Registers the search attributes that are missing, and looks at the rest. @throws RaptError as `examineServer`. */
export async function prepareServer(connection: ConnectionLike, named: NamedTemporal): Promise<Prepared> {
  const before = await examineServer(connection, named);
  if (!before.lacks.some(({ what, kind }) => what === 'search attributes' && kind === ErrorKind.notFound))
    return { ...before, registered: [] };
  const states = await stateOfAttributes(connection, named.namespace);
  const missing = NEEDED.filter((_, index) => states[index] === 'missing');
  const others = before.lacks.filter(({ what }) => what !== 'search attributes');
  try {
    const isKnown = await register(connection, named.namespace, missing);
    // The server takes another type of the same name without a word.
    const left =
      lackOf(await stateOfAttributes(connection, named.namespace), named, registerByHand(states, named)) ??
      (isKnown ? null : notYet(named));
    return {
      serverVersion: before.serverVersion,
      registered: missing.map(({ name, type }) => ({ name, type: typeName(type) })),
      lacks: left === null ? others : [left, ...others],
    };
  } catch (error) {
    return {
      serverVersion: before.serverVersion,
      registered: [],
      lacks: [notRegistered(error, registerByHand(states, named), named), ...others],
    };
  }
}

function notRegistered(error: unknown, byHand: string, { namespace, connection: { address } }: NamedTemporal): Lack {
  const where = `the namespace ${namespace} at ${address}`;
  if (isRefusal(error) || statusOf(error) === STATUS.unimplemented)
    return {
      what: 'search attributes',
      kind: ErrorKind.accessDenied,
      problem: `this process may not register search attributes on ${where}; have somebody do it who may`,
      fix: byHand,
    };
  if (statusOf(error) !== STATUS.invalidArgument) throw error;
  // The message names only attributes and limits of the namespace.
  const said = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
  return {
    what: 'search attributes',
    kind: ErrorKind.badInput,
    problem:
      `${where} takes no more search attributes (${said}); ` + 'remove some that nobody uses, or use another namespace',
    fix: null,
  };
}

const notYet = ({ namespace, connection: { address } }: NamedTemporal): Lack => ({
  what: 'search attributes',
  kind: ErrorKind.unavailable,
  problem:
    `the search attributes are registered on the namespace ${namespace} at ${address}, ` +
    'but the server does not take them in a question yet; ask again in a minute',
  fix: null,
});
