/** Why the hub gave nothing, in words that say what to do. No message holds a token, or the address of a proxy with its
 *  password. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { isOutOfSpace } from '../../system/index.ts';
import type { HubName } from './hub-name.ts';

/** An answer that is no success, as the hub words it. */
export class HubAnswer extends Error {
  readonly status: number;
  /** The hub's name for the reason, such as "GatedRepo"; empty where a mirror says nothing. */
  readonly errorCode: string;
  /** How long the hub asks to be left alone, in milliseconds; null when it does not say. */
  readonly retryAfterMs: number | null;

  constructor(status: number, errorCode: string, retryAfterMs: number | null) {
    super(`status ${status}`);
    this.status = status;
    this.errorCode = errorCode;
    this.retryAfterMs = retryAfterMs;
  }
}

const BUSY: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** A connection that broke or stood still. */
const BROKEN: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
  'HUB_CUT',
]);
/** The machine cannot be reached, which seldom passes within a moment. */
const AWAY: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;
const REFUSED_BY_PROXY = /Proxy response \((\d+)\)|Proxy Authentication Required \((\d+)\)/;

export const isBusy = (error: unknown): boolean => error instanceof HubAnswer && BUSY.has(error.status);
export const isBroken = (error: unknown): boolean => BROKEN.has(codeOf(error)) && proxyStatus(error) === null;
export const isAway = (error: unknown): boolean => AWAY.has(codeOf(error));

/** The code of an error, or of what caused it; empty without one. */
export function codeOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string' && at.code !== 'ERR_STREAM_PREMATURE_CLOSE') return at.code;
  return '';
}

function proxyStatus(error: unknown): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const [, tunnel, plain] = REFUSED_BY_PROXY.exec(at.message) ?? [];
    if (tunnel !== undefined || plain !== undefined) return tunnel ?? plain ?? null;
  }
  return null;
}

export interface Asked extends HubName {
  /** The hub's name in messages. */
  readonly host: string;
  readonly hasToken: boolean;
  /** Whether a proxy stands between. */
  readonly byProxy: boolean;
}

const OR_FOLDER = 'or give a local folder with config.json, model.safetensors, tokenizer.json';

/** A RaptError for whatever a request threw. */
export function explainHub(error: unknown, asked: Asked): RaptError {
  if (error instanceof RaptError) return error;
  const say = (kind: ErrorKind, problem: string): RaptError => new RaptError(kind, problem, { cause: error });
  if (error instanceof HubAnswer) return explainAnswer(error, asked);
  const { host, byProxy } = asked;
  const code = codeOf(error);
  if (isOutOfSpace(error))
    return say(
      ErrorKind.noSpace,
      `the disk has no space left for it (${code}); free some, or put the cache elsewhere (RAPT_CACHE)`,
    );
  if (error instanceof Error && 'syscall' in error && 'path' in error)
    return say(ErrorKind.badInput, `the cache cannot be written (${code}); name another folder in RAPT_CACHE`);
  const refused = proxyStatus(error);
  if (refused === '407')
    return say(
      ErrorKind.accessDenied,
      'the proxy of HTTPS_PROXY asks who you are (407); put user and password into its address, ' +
        'http://USER:PASSWORD@HOST:PORT',
    );
  if (refused !== null)
    return say(
      ErrorKind.accessDenied,
      `the proxy of HTTPS_PROXY does not let requests to ${host} pass (${refused}); ` +
        `name ${host} in NO_PROXY where it can be reached without, or a mirror in HF_ENDPOINT`,
    );
  if (TLS.test(code))
    return say(
      ErrorKind.unavailable,
      `the certificate of ${host} is not trusted (${code}); ` +
        'where a proxy of your organisation stands between, name its authority in NODE_EXTRA_CA_CERTS',
    );
  const proxyAdvice = byProxy ? 'is the proxy of HTTPS_PROXY right?' : 'Behind a proxy, set HTTPS_PROXY;';
  if (isAway(error) || isBroken(error))
    return say(
      ErrorKind.unavailable,
      `${host} cannot be reached from here (${code}); is there a network? ` +
        `${proxyAdvice} a mirror is named by HF_ENDPOINT; ${OR_FOLDER}`,
    );
  return say(
    ErrorKind.unavailable,
    `it could not be fetched from ${host} (${code || 'unknown error'}); try again, ${OR_FOLDER}`,
  );
}

function explainAnswer(answer: HubAnswer, { model, revision, host, hasToken }: Asked): RaptError {
  const { status, errorCode } = answer;
  const say = (kind: ErrorKind, problem: string): RaptError => new RaptError(kind, problem, { cause: answer });
  const page = `https://${host}/${model}`;
  if (errorCode === 'GatedRepo')
    return say(
      ErrorKind.accessDenied,
      `${host} gives it only to those who were let in (${status}, gated); ask for access at ${page}, ` +
        (hasToken
          ? 'and use a token of the account that has it (HF_TOKEN)'
          : 'and set HF_TOKEN to a token of that account'),
    );
  if (errorCode === 'RevisionNotFound')
    return say(
      ErrorKind.notFound,
      `${host} has the model, but no revision "${revision}" of it (${status}); ${page}/commits tells which there are`,
    );
  // The hub answers alike for a model that does not exist and one that may not be seen.
  if (errorCode === 'RepoNotFound' || (status === 404 && errorCode === ''))
    return say(
      ErrorKind.notFound,
      hasToken
        ? `${host} has no such model (${status}), or none that the account of HF_TOKEN may see; check the name`
        : `${host} has no such model (${status}), or none that everybody may see; ` +
            'check the name, or set HF_TOKEN to a token that may read it',
    );
  if (status === 401)
    return say(
      ErrorKind.accessDenied,
      hasToken
        ? `${host} does not take the token of HF_TOKEN (401); it may have ended: make another`
        : `${host} asks who you are (401); set HF_TOKEN to a token that may read it`,
    );
  if (status === 403)
    return say(
      ErrorKind.accessDenied,
      `${host} refuses it (403); ` +
        (hasToken ? 'the token of HF_TOKEN does not cover it' : 'set HF_TOKEN to a token that may read it'),
    );
  if (status === 429)
    return say(
      ErrorKind.unavailable,
      `${host} was asked too often from here (429), and still says so; try again in some minutes` +
        (hasToken ? '' : ', or set HF_TOKEN: with an account more may be asked'),
    );
  if (status >= 500)
    return say(
      ErrorKind.unavailable,
      `${host} has trouble of its own (${status}), and still says so; try again later, ${OR_FOLDER}`,
    );
  return say(
    ErrorKind.unavailable,
    `${host} answers ${status}, which it should not; does HF_ENDPOINT name a model hub?`,
  );
}
