/** The commands that mend what a Temporal server lacks, ready to be pasted. */
import { tlsOf, type NamedTemporal } from '../../settings/index.ts';
import { typeName, type SearchAttribute } from './search-attributes.ts';

/** Hosts of Temporal Cloud, where another command manages namespaces. */
const CLOUD = /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/;
const isCloud = ({ connection: { address } }: NamedTemporal): boolean => CLOUD.test(address);

/** Rapt's own command, which registers search attributes. */
export const initialize = ({ namespace, connection: { address } }: NamedTemporal): string =>
  `rapt temporal init --address ${address} --namespace ${namespace}`;

/** Options that lead Temporal's command to the server. It finds certificates and keys in the same variables as Rapt. */
const place = ({ namespace, connection }: NamedTemporal): string =>
  `--address ${connection.address} --namespace ${namespace}${tlsOf(connection.tls).isOn ? ' --tls' : ''}`;

export function createNamespace(named: NamedTemporal): string {
  return isCloud(named) ? 'tcld namespace list' : `temporal operator namespace create ${place(named)}`;
}

/** Registers search attributes. Each name has its own type: Temporal's command takes names and types in pairs, and
 *  silently leaves out names without a type. */
export function createAttributes(attributes: readonly SearchAttribute[], named: NamedTemporal): string {
  if (isCloud(named)) {
    const added = attributes.map(({ name, type }) => `--search-attribute "${name}=${typeName(type)}"`).join(' ');
    return `tcld namespace search-attributes add --namespace ${named.namespace} ${added}`;
  }
  const created = attributes.map(({ name, type }) => `--name ${name} --type ${typeName(type)}`).join(' ');
  return `temporal operator search-attribute create ${place(named)} ${created}`;
}

/** Removes search attributes, and registers them anew; null on Temporal Cloud, where none can be removed. */
export function removeAttribute(names: readonly string[], named: NamedTemporal): string | null {
  if (isCloud(named)) return null;
  const removed = names.map((name) => `--name ${name}`).join(' ');
  return `temporal operator search-attribute remove ${place(named)} ${removed} && ${initialize(named)}`;
}
