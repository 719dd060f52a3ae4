/** Which servers this process uses: those that the environment names, else those of the local stack that `rapt up`
 *  started. */
import type { Keyring, PlainPayloads } from '../codec/index.ts';
import { BadInput, ErrorKind, RaptError } from '../contracts/index.ts';
import type { RenewedStoreOptions, Role, StoreOptions } from '../storage/index.ts';
import { setting } from '../system/index.ts';
import { resolveKeyring, resolvePlainPayloads } from './codec-keys.ts';
import { resolveStore } from './object-store.ts';
import { readStack } from './stack-record.ts';
import { localNamespace, namedTemporal, type NamedTemporal } from './temporal-address.ts';

export interface Services {
  readonly temporal: NamedTemporal & {
    /** Address of Temporal's UI; null when it is not known. */
    readonly uiUrl: string | null;
  };
  /** The bucket, with the keys of a role. @throws RaptError as `resolveStore`. Only this call needs to know a store: a
   *  process that uses none runs without. */
  readonly storeFor: (role: Role) => StoreOptions | RenewedStoreOptions;
  /** What payloads are encrypted with; null when they are not. */
  readonly keyring: Keyring | null;
  /** What is done with payloads that are not encrypted; null when the environment does not say. Each kind of worker
   *  then decides by itself. */
  readonly plainPayloads: PlainPayloads | null;
  readonly stack: 'local' | 'external';
  /** The address below which a browser on the client's machine finds the reports; null when it is not known. */
  readonly reportsUrl: string | null;
  /** A model process that has been silent for this long counts as hung. */
  readonly stallTimeoutMs: number;
}

/** The slowest step, and the loading of a model, take far less. */
const DEFAULT_STALL_SECONDS = 300;

/** @throws RaptError unavailable when neither the environment nor a local stack names the Temporal server; BadInput for
 *  settings that cannot be used. */
export function resolveServices(env: NodeJS.ProcessEnv = process.env): Services {
  const named = namedTemporal(env);
  const local = readStack();
  if (named === null && local === null)
    throw new RaptError(
      ErrorKind.unavailable,
      'no servers are known; start the local ones with `rapt up`, or set RAPT_TEMPORAL_ADDRESS and RAPT_S3_ENDPOINT',
    );
  return {
    temporal: {
      ...(named ?? { connection: { address: local!.temporal.address }, namespace: localNamespace(env) }),
      uiUrl: setting('RAPT_TEMPORAL_UI', env) ?? (named === null ? local!.temporal.uiUrl : null),
    },
    storeFor: (role) => resolveStore(role, env),
    keyring: resolveKeyring(named === null, env),
    plainPayloads: resolvePlainPayloads(env),
    stack: named === null && setting('RAPT_S3_ENDPOINT', env) === undefined ? 'local' : 'external',
    reportsUrl: reportsUrl(env) ?? (named === null ? `${local!.codecUrl}/report` : null),
    stallTimeoutMs: stallSeconds(env) * 1000,
  };
}

function reportsUrl(env: NodeJS.ProcessEnv): string | undefined {
  const url = setting('RAPT_REPORTS_URL', env);
  if (url !== undefined && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
    throw new BadInput([
      { where: 'RAPT_REPORTS_URL', problem: `must be an address such as http://127.0.0.1:8234/report, not "${url}"` },
    ]);
  return url?.replace(/\/+$/, '');
}

function stallSeconds(env: NodeJS.ProcessEnv): number {
  const text = setting('RAPT_STALL_SECONDS', env);
  if (text === undefined) return DEFAULT_STALL_SECONDS;
  const seconds = Number(text);
  if (!(seconds >= 1))
    throw new BadInput([{ where: 'RAPT_STALL_SECONDS', problem: `must be a number of seconds from 1, not "${text}"` }]);
  return seconds;
}
