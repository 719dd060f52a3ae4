/** What went wrong with a request to the store: its kind, and words for it that hold no credentials. */
import { ErrorKind, RaptError } from '../contracts/index.ts';

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
]);
/** The names of S3 and MinIO for "ask again later". */
const BUSY_CODES: ReadonlySet<string> = new Set([
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'Busy',
  'TooManyRequests',
  'OperationAborted',
  'ConditionalRequestConflict',
  'XMinioServerNotInitialized',
  'XMinioBackendDown',
]);
/** The keys themselves are refused: they are unknown, have ended, or do not belong together. */
const BAD_KEYS_CODES: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'InvalidTokenId',
  'AccountProblem',
]);
/** The keys are good, but may not do that. MinIO also says so of keys whose lender was removed. */
const NO_RIGHT_CODES: ReadonlySet<string> = new Set(['AccessDenied', 'Forbidden']);
/** MinIO's name for a full disk, and the names for a quota that is used up. */
const FULL_CODES: ReadonlySet<string> = new Set([
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
  'InsufficientStorage',
]);
const MISSING_CODES: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound', 'NoSuchBucket', 'NoSuchVersion']);
/** The client's words for a status after which a second try may help; the client drops the server's own code. */
const RETRYABLE_STATUS = /Retryable HTTP status: \d+/;

export const codeOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
};

export const isMissing = (error: unknown): boolean => MISSING_CODES.has(codeOf(error));
export const isPreconditionFailed = (error: unknown): boolean => codeOf(error) === 'PreconditionFailed';

/** Whether the store refused the keys, or what they were to do. */
export const isDenied = (error: unknown): boolean => refusesKeys(error) || NO_RIGHT_CODES.has(codeOf(error));

/** Whether the store refused the keys, whatever they were to do. */
export const refusesKeys = (error: unknown): boolean => BAD_KEYS_CODES.has(codeOf(error));

/** Whether only the status of a refusal is known: the answer to HEAD has no body. */
export const isWordless = (error: unknown): boolean =>
  NO_RIGHT_CODES.has(codeOf(error)) && !Object.hasOwn(error as object, 'requestid');

/** The bucket's region, where the store's refusal names it; null where it does not. */
export function regionNamedBy(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { region, amzBucketRegion } = error as { readonly region?: unknown; readonly amzBucketRegion?: unknown };
  const named = typeof region === 'string' && region !== '' ? region : amzBucketRegion;
  return typeof named === 'string' && named !== '' ? named : null;
}

/** Whether the same request may succeed in a moment. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  if (raptErrorBehind(error)?.kind === ErrorKind.unavailable) return true;
  if (NETWORK_CODES.has(code) || BUSY_CODES.has(code)) return true;
  return error instanceof Error && (RETRYABLE_STATUS.test(error.message) || error.message === 'aborted');
}

/** An error of the source of the client's keys, which the client wraps in its own. */
function raptErrorBehind(error: unknown): RaptError | null {
  const cause = error instanceof Error && !(error instanceof RaptError) ? error.cause : null;
  return cause instanceof RaptError ? cause : null;
}

export interface FailurePlace {
  readonly endpoint: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  /** Texts that must not get into a message. */
  readonly secrets: readonly string[];
  /** Whether the keys come from an issuer, rather than being set for this process. */
  readonly keysAreGiven: boolean;
}

/** A RaptError for whatever a request threw. Its cause keeps only code and message: S3's own errors can hold the access
 *  key. */
export function describeFailure(doing: string, error: unknown, place: FailurePlace): RaptError {
  if (error instanceof RaptError) return error;
  const known = raptErrorBehind(error);
  if (known !== null)
    return new RaptError(known.kind, `${doing} "${place.key ?? ''}" in bucket "${place.bucket}": ${known.message}`, {
      cause: known,
    });
  const code = codeOf(error);
  const cause = withoutSecrets(error, place.secrets);
  const what = place.key === undefined ? `bucket "${place.bucket}"` : `"${place.key}" in bucket "${place.bucket}"`;
  const at = `${doing} ${what} at ${place.endpoint}`;
  if (code === 'NoSuchBucket')
    return new RaptError(ErrorKind.notFound, `${at}: there is no such bucket; make it, or correct RAPT_S3_BUCKET`, {
      cause,
    });
  if (isMissing(error)) return new RaptError(ErrorKind.notFound, `${at}: there is no such object`, { cause });
  if (refusesKeys(error)) {
    const wayOut = place.keysAreGiven
      ? 'the store takes none of the keys that this process is given; are they of its own `rapt credential-server`?'
      : 'check RAPT_S3_ACCESS_KEY and RAPT_S3_SECRET_KEY, and start this process again with those that hold';
    return new RaptError(ErrorKind.credentialsRefused, `${at}: refused (${code}); ${wayOut}`, { cause });
  }
  if (isDenied(error)) {
    const wayOut = place.keysAreGiven
      ? 'the role whose keys this process is given may not do that'
      : 'check RAPT_S3_ACCESS_KEY and RAPT_S3_SECRET_KEY and what they may do';
    return new RaptError(ErrorKind.accessDenied, `${at}: refused (${code}); ${wayOut}`, { cause });
  }
  if (FULL_CODES.has(code))
    return new RaptError(
      ErrorKind.noSpace,
      `${at}: the object store has no space left (${code}); ` +
        'add some or remove what is not needed (`rapt gc`), and the run goes on by itself',
      { cause },
    );
  if (isPreconditionFailed(error))
    return new RaptError(ErrorKind.overtaken, `${at}: another writer changed it first`, { cause });
  const reason = code === '' ? cause.message : code;
  return new RaptError(
    ErrorKind.unavailable,
    `${at}: no success (${reason}); is the object store up and reachable from here?`,
    { cause },
  );
}

function withoutSecrets(error: unknown, secrets: readonly string[]): Error {
  let message = error instanceof Error ? error.message : String(error);
  for (const secret of secrets) if (secret !== '') message = message.replaceAll(secret, '***');
  const code = codeOf(error);
  return Object.assign(new Error(message), code === '' ? {} : { code });
}
