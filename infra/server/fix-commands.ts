/** The commands that mend what a Temporal server lacks, as they are to be pasted. */
import { tlsOf, type NamedTemporal } from '../../settings/index.ts';
import { typeName, type SearchAttribute } from './search-attributes.ts';

/** Hosts of Temporal Cloud, whose namespaces have a command of their own. */
const CLOUD = /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/;
const isCloud = ({ connection: { address } }: NamedTemporal): boolean => CLOUD.test(address);

/** Rapt's own. */
export const initialize = ({ namespace, connection: { address } }: NamedTemporal): string =>
  `rapt temporal init --address ${address} --namespace ${namespace}`;

/** Temporal's command finds certificates and keys in the same variables as Rapt. */
const place = ({ namespace, connection }: NamedTemporal): string =>
  `--address ${connection.address} --namespace ${namespace}${tlsOf(connection.tls).isOn ? ' --tls' : ''}`;

export function createNamespace(named: NamedTemporal): string {
  return isCloud(named) ? 'tcld namespace list' : `temporal operator namespace create ${place(named)}`;
}

/** Each name has its own type: Temporal's command takes them in pairs, and leaves out names that have none without a
 *  word. */
export function createAttributes(attributes: readonly SearchAttribute[], named: NamedTemporal): string {
  if (isCloud(named))
    return (
      `tcld namespace search-attributes add --namespace ${named.namespace} ` +
      attributes.map(({ name, type }) => `--search-attribute "${name}=${typeName(type)}"`).join(' ')
    );
  return (
    `temporal operator search-attribute create ${place(named)} ` +
    attributes.map(({ name, type }) => `--name ${name} --type ${typeName(type)}`).join(' ')
  );
}

/** Null on Temporal Cloud, which removes none. */
export function removeAttribute(names: readonly string[], named: NamedTemporal): string | null {
  return isCloud(named)
    ? null
    : `temporal operator search-attribute remove ${place(named)} ${names.map((name) => `--name ${name}`).join(' ')} ` +
        `&& ${initialize(named)}`;
}
