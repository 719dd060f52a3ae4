/** The command's connection to its Temporal server. */
import { Client, Connection } from '@temporalio/client';
import { RaptError } from '../../contracts/index.ts';
import {
  asError,
  explainConnection,
  explainRefusal,
  isMissingNamespace,
  isRefusal,
  missingNamespace,
} from '../../infra/index.ts';
import {
  checkAddress,
  namedTemporal,
  resolveOwnerKeys,
  resolveServices,
  type NamedTemporal,
  type Services,
} from '../../settings/index.ts';
import { traceStart } from '../../telemetry/index.ts';
import { dataConverter } from '../../workers/data-converter.ts';
import { RetriesUntilClosed } from './quiet-close.ts';

const CONNECT_TIMEOUT = '5s';
/** The server keeps it with every request. By default it would name the user's machine. */
const IDENTITY = 'rapt';

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

/** The server that all commands use, unless the user gives another address or namespace. */
export function namedServer({
  address,
  namespace,
}: {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
}): NamedTemporal {
  if (address !== undefined) checkAddress(address, '--address');
  // What else the environment says of a server counts only together with an address.
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
