/** Which servers this process talks to: those named by the environment, else the local stack that `rapt up` started. */
import type { Keyring, PlainPayloads } from '../codec/index.ts';
import { BadInput, ErrorKind, RaptError } from '../contracts/index.ts';
import type { StoreOptions } from '../storage/index.ts';
import { setting } from '../system/index.ts';
import { resolveKeyring, resolvePlainPayloads } from './codec-keys.ts';
import { readStack } from './stack/record.ts';

export interface Services {
  readonly temporal: { readonly address: string; readonly namespace: string; /** Null when nobody said where it is. */ readonly uiUrl: string | null };
  readonly s3: StoreOptions;
  /** What payloads are encrypted with; null when they are not. */
  readonly keyring: Keyring | null;
  /** What is done with payloads that are not encrypted; null when nobody said, and each kind of worker has its own way. */
  readonly plainPayloads: PlainPayloads | null;
  readonly stack: 'local' | 'external';
  /** A model process that says nothing for so long is taken for hung. */
  readonly stallTimeoutMs: number;
}

const BUCKET = 'rapt';
/** The slowest step and the loading of a model are far below. */
const DEFAULT_STALL_SECONDS = 300;

/** Address of the Temporal server that the environment names; with none it is that of the local stack. */
export const namedTemporal = (env: NodeJS.ProcessEnv = process.env): string | undefined => setting('RAPT_TEMPORAL_ADDRESS', env) ?? setting('TEMPORAL_ADDRESS', env);

/** @throws RaptError unavailable when neither the environment nor a local stack names both servers; BadInput when it names half of one. */
export function resolveServices(env: NodeJS.ProcessEnv = process.env): Services {
  const address = namedTemporal(env);
  const endpoint = setting('RAPT_S3_ENDPOINT', env);
  const local = readStack();
  if ((address === undefined || endpoint === undefined) && local === null)
    throw new RaptError(ErrorKind.unavailable, 'no servers are known; start the local ones with `rapt up`, or set RAPT_TEMPORAL_ADDRESS and RAPT_S3_ENDPOINT');
  return {
    temporal: {
      address: address ?? local!.temporal.address,
      namespace: setting('RAPT_TEMPORAL_NAMESPACE', env) ?? setting('TEMPORAL_NAMESPACE', env) ?? 'default',
      uiUrl: setting('RAPT_TEMPORAL_UI', env) ?? (address === undefined ? local!.temporal.uiUrl : null),
    },
    s3: endpoint === undefined ? local!.s3 : externalStore(endpoint, env),
    keyring: resolveKeyring(address === undefined, env),
    plainPayloads: resolvePlainPayloads(env),
    stack: address === undefined && endpoint === undefined ? 'local' : 'external',
    stallTimeoutMs: stallSeconds(env) * 1000,
  };
}

function stallSeconds(env: NodeJS.ProcessEnv): number {
  const text = setting('RAPT_STALL_SECONDS', env);
  if (text === undefined) return DEFAULT_STALL_SECONDS;
  const seconds = Number(text);
  if (!(seconds >= 1)) throw new BadInput([{ where: 'RAPT_STALL_SECONDS', problem: `must be a number of seconds from 1, not "${text}"` }]);
  return seconds;
}

function externalStore(endpoint: string, env: NodeJS.ProcessEnv): StoreOptions {
  const accessKey = setting('RAPT_S3_ACCESS_KEY', env);
  const secretKey = setting('RAPT_S3_SECRET_KEY', env);
  const missing = [
    ...(accessKey ? [] : [{ where: 'RAPT_S3_ACCESS_KEY', problem: 'is needed with RAPT_S3_ENDPOINT' }]),
    ...(secretKey ? [] : [{ where: 'RAPT_S3_SECRET_KEY', problem: 'is needed with RAPT_S3_ENDPOINT' }]),
  ];
  if (!accessKey || !secretKey) throw new BadInput(missing);
  const region = setting('RAPT_S3_REGION', env);
  return { endpoint, accessKey, secretKey, bucket: setting('RAPT_S3_BUCKET', env) ?? BUCKET, ...(region === undefined ? {} : { region }) };
}
