/** Which bucket of an object store this process uses, and with which keys. */
import { BadInput, ErrorKind, RaptError } from '../contracts/index.ts';
import {
  checkKeyServerUrl,
  CREDENTIALS_PATH,
  keysFrom,
  type BucketOptions,
  type KeySource,
  type RenewedStoreOptions,
  type Role,
  type StoreKeys,
  type StoreOptions,
} from '../storage/index.ts';
import { setting } from '../system/index.ts';
import { stackToken, stackTokenFile } from './grant-files.ts';
import { secret } from './secrets.ts';
import { readStack } from './stack-record.ts';

const BUCKET = 'rapt';
/** The variables that name an issuer's address and its token: Rapt's own, and those that AWS's programs know. */
const ISSUERS = [
  { url: 'RAPT_S3_CREDENTIALS_URL', token: 'RAPT_S3_CREDENTIALS_TOKEN' },
  { url: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', token: 'AWS_CONTAINER_AUTHORIZATION_TOKEN' },
] as const;

/** The bucket and the keys that the environment names; else the bucket of the local stack, with keys of this role from
 *  the stack's issuer.
 *  @throws RaptError unavailable when neither is known; BadInput when the environment names only a part, or two ways to
 *  get keys. */
export function resolveStore(role: Role, env: NodeJS.ProcessEnv = process.env): StoreOptions | RenewedStoreOptions {
  const bucket = namedBucket(env);
  if (bucket === null) {
    const { endpoint, bucket: name } = localStack().s3;
    // Asked anew each time: the stack may be started again on other ports.
    const server = () => ({ url: localStack().credentialsUrl + CREDENTIALS_PATH, token: stackToken(role) });
    return { endpoint, bucket: name, keys: keysFrom(server, stackTokenFile(role), role) };
  }
  const keys = namedKeys(env, role);
  return 'source' in keys ? { ...bucket, keys: keys.source } : { ...bucket, ...keys };
}

/** The bucket with keys that may do everything in it, which an issuer needs. @throws RaptError as `resolveStore`. */
export function resolveAdministration(env: NodeJS.ProcessEnv = process.env): StoreOptions {
  const bucket = namedBucket(env);
  if (bucket === null) return localStack().s3;
  const keys = fixedKeys(env);
  if (keys === null)
    throw new BadInput([
      {
        where: 'RAPT_S3_ENDPOINT',
        problem: 'needs keys that may do everything in the bucket: RAPT_S3_ACCESS_KEY_FILE and RAPT_S3_SECRET_KEY_FILE',
      },
    ]);
  return { ...bucket, ...keys };
}

/** From where this process gets its keys, in words. @throws BadInput as `resolveStore`. */
export function describeKeys(env: NodeJS.ProcessEnv = process.env): {
  readonly detail: string;
  readonly shortLived: boolean;
} {
  if (namedBucket(env) === null)
    return { detail: 'short-lived, of the local stack, for each role its own', shortLived: true };
  const keys = namedKeys(env, null);
  if (!('source' in keys))
    return {
      detail: 'those of RAPT_S3_ACCESS_KEY, long-lived: a leaked key stays valid',
      shortLived: false,
    };
  return { detail: `short-lived, from ${new URL(keys.url).origin} (${keys.variable})`, shortLived: true };
}

function localStack(): NonNullable<ReturnType<typeof readStack>> {
  const local = readStack();
  if (local === null)
    throw new RaptError(
      ErrorKind.unavailable,
      'no object store is known; start the local one with `rapt up`, or set RAPT_S3_ENDPOINT',
    );
  return local;
}

function namedBucket(env: NodeJS.ProcessEnv): BucketOptions | null {
  const endpoint = setting('RAPT_S3_ENDPOINT', env);
  const region = setting('RAPT_S3_REGION', env);
  return endpoint === undefined
    ? null
    : { endpoint, bucket: setting('RAPT_S3_BUCKET', env) ?? BUCKET, ...(region === undefined ? {} : { region }) };
}

type IssuerVariables = (typeof ISSUERS)[number];

interface NamedIssuer {
  readonly source: KeySource;
  readonly url: string;
  /** Name of the variable that holds the address. */
  readonly variable: string;
}

/** The keys that the environment gives, or an issuer that it names. AWS's variables come last, since they may be set
 *  for other programs. */
function namedKeys(env: NodeJS.ProcessEnv, role: Role | null): StoreKeys | NamedIssuer {
  const [own, ofAws] = ISSUERS;
  const fixed = fixedKeys(env);
  const issuer = namedIssuer(own, env, role);
  if (fixed !== null && issuer !== null)
    throw new BadInput([{ where: own.url, problem: 'RAPT_S3_ACCESS_KEY is set as well; set only one of them' }]);
  const keys = issuer ?? fixed ?? namedIssuer(ofAws, env, role);
  if (keys !== null) return keys;
  throw new BadInput([
    {
      where: 'RAPT_S3_ENDPOINT',
      problem:
        'needs keys: RAPT_S3_CREDENTIALS_URL with RAPT_S3_CREDENTIALS_TOKEN_FILE, for short-lived ones of one role; ' +
        'or RAPT_S3_ACCESS_KEY_FILE and RAPT_S3_SECRET_KEY_FILE',
    },
  ]);
}

/** Keys that the environment holds; null when it holds none. */
function fixedKeys(env: NodeJS.ProcessEnv): StoreKeys | null {
  const accessKey = secret('RAPT_S3_ACCESS_KEY', env);
  const secretKey = secret('RAPT_S3_SECRET_KEY', env);
  if (accessKey !== null && secretKey !== null) return { accessKey, secretKey };
  if (accessKey === null && secretKey === null) return null;
  const [missing, other] =
    accessKey === null ? ['RAPT_S3_ACCESS_KEY', 'RAPT_S3_SECRET_KEY'] : ['RAPT_S3_SECRET_KEY', 'RAPT_S3_ACCESS_KEY'];
  throw new BadInput([{ where: missing, problem: `is needed with ${other}` }]);
}

/** The issuer whose address the environment holds; null when it holds none. */
function namedIssuer(variables: IssuerVariables, env: NodeJS.ProcessEnv, role: Role | null): NamedIssuer | null {
  const url = setting(variables.url, env);
  if (url === undefined) return null;
  checkKeyServerUrl(url, variables.url);
  const token = (): string => {
    const found = secret(variables.token, env);
    if (found === null)
      throw new BadInput([{ where: `${variables.token}_FILE`, problem: `is needed with ${variables.url}` }]);
    return found;
  };
  // A missing token is told now, not with the first request. Each request reads it again: the file may be replaced.
  token();
  const where = setting(`${variables.token}_FILE`, env) === undefined ? variables.token : `${variables.token}_FILE`;
  return { source: keysFrom(() => ({ url, token: token() }), where, role), url, variable: variables.url };
}
