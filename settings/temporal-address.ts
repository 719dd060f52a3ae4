/** Which Temporal server this process uses, and how it proves who it is. Rapt's own variables come before
 *  Temporal's. */
import { existsSync } from 'node:fs';
import { loadClientConfigProfile, toClientOptions, type ClientConfigProfile } from '@temporalio/envconfig';
import { BadInput } from '../contracts/index.ts';
import { setting } from '../system/index.ts';
import { secret } from './secrets.ts';

type ConnectionOptions = ReturnType<typeof toClientOptions>['connectionOptions'];

/** What the SDK's connections take, for the command and for workers. */
export interface TemporalConnection extends Pick<ConnectionOptions, 'tls' | 'apiKey' | 'metadata'> {
  /** host:port */
  readonly address: string;
}

export interface NamedTemporal {
  readonly connection: TemporalConnection;
  readonly namespace: string;
  /** What to correct when there is no such namespace. Default: the variable that names it. */
  readonly namespaceSetting?: string;
}

/** The server that the environment names; null when it names none. Whatever else the environment says of Temporal is
 *  then ignored: it is not meant for the local stack. Temporal's command keeps a file in the home folder. It is read
 *  only when TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE asks for it, so that using that command does not lead Rapt to
 *  another server. @throws BadInput for settings that cannot be used. */
export function namedTemporal(env: NodeJS.ProcessEnv = process.env): NamedTemporal | null {
  const profile = loadProfile(env);
  const address = setting('RAPT_TEMPORAL_ADDRESS', env) ?? profile.address;
  if (address === undefined) return null;
  checkAddress(
    address,
    setting('RAPT_TEMPORAL_ADDRESS', env) === undefined ? 'TEMPORAL_ADDRESS' : 'RAPT_TEMPORAL_ADDRESS',
  );
  const apiKey = apiKeyOf(profile, env);
  const { tls, metadata } = connectionOptions({ ...profile, ...(apiKey === undefined ? {} : { apiKey }) });
  return {
    connection: {
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(metadata === undefined ? {} : { metadata }),
    },
    namespace: setting('RAPT_TEMPORAL_NAMESPACE', env) ?? profile.namespace ?? 'default',
  };
}

/** Refuses an address without a port: the SDK would add Temporal's usual port, where another server may listen.
 *  @param where the address was given. @throws BadInput. */
export function checkAddress(address: string, where: string): void {
  if (/^(\[[\da-f:.]+\]|[^:/\s[\]]+):\d{1,5}$/i.test(address)) return;
  throw new BadInput([{ where, problem: `must be host:port, such as temporal.example.org:7233, without a scheme` }]);
}

/** The namespace that is used on the local stack. */
export const localNamespace = (env: NodeJS.ProcessEnv = process.env): string =>
  setting('RAPT_TEMPORAL_NAMESPACE', env) ?? setting('TEMPORAL_NAMESPACE', env) ?? 'default';

function loadProfile(env: NodeJS.ProcessEnv): ClientConfigProfile {
  const file = setting('TEMPORAL_CONFIG_FILE', env);
  const profile = setting('TEMPORAL_PROFILE', env);
  if (file !== undefined && !existsSync(file))
    throw new BadInput([{ where: 'TEMPORAL_CONFIG_FILE', problem: `${file} does not exist` }]);
  const said = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
  try {
    return loadClientConfigProfile({ disableFile: file === undefined && profile === undefined, overrideEnvVars: said });
  } catch (error) {
    // The parser's own message quotes the file, in which there may be a key.
    const { line } = error as { line?: number };
    const where = profile === undefined ? 'TEMPORAL_CONFIG_FILE' : 'TEMPORAL_PROFILE';
    const problem =
      line === undefined
        ? error instanceof Error
          ? error.message
          : 'cannot be read'
        : `line ${line} of the file is not TOML`;
    throw new BadInput([{ where, problem }]);
  }
}

function apiKeyOf({ apiKey }: ClientConfigProfile, env: NodeJS.ProcessEnv): string | undefined {
  const own = secret('RAPT_TEMPORAL_API_KEY', env);
  const key = (own ?? apiKey)?.trim();
  // The SDK would quote the whole key in its error.
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key))
    throw new BadInput([
      {
        where: own === null ? 'TEMPORAL_API_KEY' : 'RAPT_TEMPORAL_API_KEY',
        problem: 'holds blanks, line breaks or other characters that no key has',
      },
    ]);
  return key;
}

/** TLS settings in one form: the SDK has four ways to say that there is no TLS. */
export function tlsOf(tls: TemporalConnection['tls']): {
  readonly isOn: boolean;
  readonly serverName?: string;
  readonly authority?: Uint8Array;
  readonly clientCertPair?: { readonly crt: Uint8Array; readonly key: Uint8Array };
} {
  if (tls === undefined || tls === null || typeof tls === 'boolean') return { isOn: tls === true };
  const { serverNameOverride, serverRootCACertificate, clientCertPair } = tls;
  return {
    isOn: true,
    ...(serverNameOverride ? { serverName: serverNameOverride } : {}),
    ...(serverRootCACertificate ? { authority: serverRootCACertificate } : {}),
    ...(clientCertPair ? { clientCertPair } : {}),
  };
}

/** By what the server and this process prove who they are, in words. */
export function describeSecurity({ tls, apiKey }: TemporalConnection): string {
  const { isOn, clientCertPair } = tlsOf(tls);
  const encryption = isOn ? (clientCertPair === undefined ? 'TLS' : 'TLS with a client certificate') : 'no TLS';
  return apiKey === undefined ? encryption : `${encryption}, an API key`;
}

function connectionOptions(profile: ClientConfigProfile): ConnectionOptions {
  const { clientCert, clientKey } = profile.tls ?? {};
  // With one of the two the SDK would connect without a certificate.
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw new BadInput([
      {
        where: clientCert === undefined ? 'TEMPORAL_TLS_CLIENT_CERT_PATH' : 'TEMPORAL_TLS_CLIENT_KEY_PATH',
        problem: 'is needed: a client certificate and its key go together',
      },
    ]);
  try {
    return toClientOptions(profile).connectionOptions;
  } catch (error) {
    const { code = 'unknown error', path = 'a file' } = error as NodeJS.ErrnoException;
    throw new BadInput([{ where: 'TEMPORAL_TLS_*', problem: `${path} cannot be read (${code})` }]);
  }
}
