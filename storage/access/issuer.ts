/** Issues a role's keys. They are short-lived, and come from the object store's own STS, which is asked with keys that
 *  may do everything that any role may. */
import { z } from 'zod';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { codeOf, isDenied } from '../store-failure.ts';
import { policyOf, type Policy, type Role } from './role-rights.ts';
import type { IssuedKeys, StoreKeys } from './renewed-keys.ts';

export interface IssuerOptions {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region?: string | undefined;
  /** Keys that may do everything that any role may. */
  readonly keys: StoreKeys;
  /** How long issued keys hold; MinIO's least is 900. */
  readonly durationSeconds: number;
}

export type Issuer = (role: Role) => Promise<IssuedKeys>;

const TIMEOUT_MS = 10_000;

const replySchema = z.object({
  AssumeRoleResponse: z.object({
    AssumeRoleResult: z.object({
      Credentials: z.object({
        AccessKeyId: z.string(),
        SecretAccessKey: z.string(),
        SessionToken: z.string(),
        Expiration: z.iso.datetime({ offset: true }),
      }),
    }),
  }),
});
const refusalSchema = z.object({ ErrorResponse: z.object({ Error: z.object({ Code: z.string() }) }) });

/** Each request brings its policy, so that no roles need be set up in the store. */
export function createIssuer(options: IssuerOptions): Issuer {
  return (role) => issueKeys(options, policyOf(role, options.bucket));
}

/** Issues keys that may do what both this policy and the issuer's own keys allow, and that cannot issue other keys.
 *  @throws RaptError unavailable when the store does not answer, accessDenied when it refuses the issuer's keys.
 *  Messages hold no key. */
export async function issueKeys(
  { endpoint, region = 'us-east-1', keys: { accessKey, secretKey }, durationSeconds }: IssuerOptions,
  policy: Policy,
): Promise<IssuedKeys> {
  // Loaded here, since only an issuer needs it.
  const { AssumeRoleProvider } = await import('minio/dist/esm/AssumeRoleProvider.mjs');
  const sts = new AssumeRoleProvider({
    stsEndpoint: endpoint,
    accessKey,
    secretKey,
    region,
    durationSeconds,
    policy: JSON.stringify(policy),
  });
  const reply: unknown = await inTime(sts.performRequest()).catch((error: unknown) => {
    throw new RaptError(
      ErrorKind.unavailable,
      `the object store at ${endpoint} issues no keys (${codeOf(error) || 'no answer'}); ` +
        'is it up and reachable from here?',
    );
  });
  const refusal = refusalSchema.safeParse(reply);
  if (refusal.success) {
    const { Code: code } = refusal.data.ErrorResponse.Error;
    if (isDenied({ code })) {
      const check = 'check RAPT_S3_ACCESS_KEY and RAPT_S3_SECRET_KEY, which must not be short-lived themselves';
      const again = "start the issuer again when the store's password was changed";
      const problem = `the object store at ${endpoint} issues no keys (${code})`;
      throw new RaptError(ErrorKind.accessDenied, `${problem}; ${check}, and ${again}`);
    }
    // A store that is starting or busy refuses by other codes.
    throw new RaptError(
      ErrorKind.unavailable,
      `the object store at ${endpoint} issues no keys at the moment (${code})`,
    );
  }
  const answer = replySchema.safeParse(reply);
  if (!answer.success)
    throw new RaptError(
      ErrorKind.unavailable,
      `the object store at ${endpoint} issues no keys: what it answers is not that of an STS`,
    );
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } =
    answer.data.AssumeRoleResponse.AssumeRoleResult.Credentials;
  return {
    accessKey: AccessKeyId,
    secretKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiresMs: Date.parse(Expiration),
  };
}

/** Bounds the wait for an answer: the client itself would wait for ever. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>(
    (_, reject) =>
      (timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), TIMEOUT_MS)),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
