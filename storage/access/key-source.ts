/** Asks a server for keys, by the protocol in which AWS's own programs ask for the keys of a container: a GET with a
 *  token is answered with the keys and their end in JSON.
 *  https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import { codeOf } from '../store-failure.ts';
import type { Role } from './role-rights.ts';
import type { IssuedKeys, KeySource } from './renewed-keys.ts';

export interface KeyServer {
  readonly url: string;
  /** The whole value of the header "Authorization". */
  readonly token: string;
}

const TIMEOUT_MS = 10_000;
/** Where ECS and EKS answer: on the machine itself, though not at its loopback address. */
const OF_CONTAINERS: ReadonlySet<string> = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']);

/** The answer, in the form that AWS's programs expect. */
export const issuedKeysSchema = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  Token: z.string().min(1),
  Expiration: z.iso.datetime({ offset: true }),
});

/** A source of keys that asks a server.
 *  @param server called for each question, since a server may move and a token be replaced.
 *  @param where names the token's setting in messages, which hold neither the token nor the answer.
 *  @param role whose keys are wanted; null when it is not known here. */
export function keysFrom(server: () => KeyServer, where: string, role: Role | null = null): KeySource {
  return async () => {
    const { url, token } = asked(server);
    const reply = await ask(url, token).catch((cause: unknown) => {
      throw unavailable(
        url,
        cause instanceof Error && cause.name === 'TimeoutError'
          ? `no answer for ${TIMEOUT_MS / 1000} s`
          : codeOf(innermost(cause)) || 'no connection',
      );
    });
    if (reply.status === 401 || reply.status === 403) {
      const problem = `gives no keys for the object store to the token of ${where} (status ${reply.status})`;
      const wayOut = `whoever runs it grants one by \`${grantCommand(role)}\`; with that, what waits goes on by itself`;
      throw new RaptError(ErrorKind.credentialsRefused, `${placeOf(url)} ${problem}; ${wayOut}`);
    }
    if (reply.status === 503) throw unavailable(url, 'status 503', 'its log says why');
    if (reply.status !== 200) throw unavailable(url, `status ${reply.status}`);
    const answer = issuedKeysSchema.safeParse(jsonOf(reply.body));
    if (!answer.success) throw unavailable(url, 'its answer holds no keys');
    const { AccessKeyId: accessKey, SecretAccessKey: secretKey, Token: sessionToken, Expiration } = answer.data;
    return { accessKey, secretKey, sessionToken, expiresMs: Date.parse(Expiration) } satisfies IssuedKeys;
  };
}

/** Refuses an address to which a token would go in the clear. @param where names the address's setting. @throws
 *  BadInput. */
export function checkKeyServerUrl(url: string, where: string): void {
  const address = URL.canParse(url) ? new URL(url) : null;
  const { protocol, hostname, username } = address ?? {};
  const isHere =
    hostname !== undefined &&
    (hostname === 'localhost' ||
      hostname === '[::1]' ||
      (isIPv4(hostname) && hostname.startsWith('127.')) ||
      OF_CONTAINERS.has(hostname));
  // The text itself is not repeated: it may hold a password.
  if (username !== '' || !(protocol === 'https:' || (protocol === 'http:' && isHere)))
    throw new BadInput([
      {
        where,
        problem:
          'must be an address such as "https://keys.example.org/credentials"; ' +
          'without TLS only one on this machine, such as "http://127.0.0.1:8235/credentials"',
      },
    ]);
}

async function ask(url: string, token: string): Promise<{ status: number; body: string }> {
  // A redirect would take the token elsewhere.
  const reply = await fetch(url, {
    headers: { Authorization: token, Accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: reply.status, body: await reply.text() };
}

const START = 'is it up and reachable from here? `rapt credential-server` is, or `rapt up` starts it';

const unavailable = (url: string, reason: string, wayOut = START): RaptError =>
  new RaptError(ErrorKind.unavailable, `no keys for the object store from ${placeOf(url)} (${reason}); ${wayOut}`);

/** The server to ask. A token that could be read when this process started may be missing while it is replaced. */
function asked(server: () => KeyServer): KeyServer {
  try {
    return server();
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    throw new RaptError(ErrorKind.credentialsRefused, `no token for the object store's keys: ${error.message}`);
  }
}

/** The command that makes a token of this role. */
export function grantCommand(role: Role | null): string {
  const tenant = role?.kind === 'client' ? ` --tenant ${role.tenant}` : '';
  return role === null ? 'rapt credentials grant' : `rapt credentials grant ${role.kind}${tenant}`;
}

const placeOf = (url: string): string => new URL(url).origin;

/** What went wrong at first: `fetch` wraps it in errors of its own. */
function innermost(error: unknown): unknown {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
