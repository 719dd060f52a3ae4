/** The issuer as a server: who shows a token gets the keys of the one role that it was granted for. */
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { RaptError } from '../../contracts/index.ts';
import { startGuardedServer, type Answer, type Listening, type RunningServer } from '../../system/index.ts';
import { findGrant, grantId, type Grant } from './grants.ts';
import type { Issuer } from './issuer.ts';
import { roleName } from './policy.ts';
import type { issuedKeysSchema } from './source.ts';

export interface CredentialServerOptions extends Listening {
  readonly issue: Issuer;
  /** Asked at each request, so that a grant holds from when it is written until it is taken back. */
  readonly grants: () => readonly Grant[];
  /** Told who got keys, and why somebody whose token is good did not. */
  readonly say: (line: string) => void;
}

export const CREDENTIALS_PATH = '/credentials';

/** @throws BadInput for a server that others could reach without TLS: what it answers is the keys themselves. */
export function startCredentialServer({ issue, grants, say, ...listening }: CredentialServerOptions): Promise<RunningServer> {
  return startGuardedServer({
    ...listening,
    name: 'credential server',
    pages: null,
    toOthers: { allowed: listening.tls !== null, needs: 'TLS (--cert, --key) and the host name that callers use (--public-host)' },
    answer: (path, request) => answer(path, request, { issue, grants, say }),
  });
}

async function answer(path: string, { method, headers }: IncomingMessage, { issue, grants, say }: Pick<CredentialServerOptions, 'issue' | 'grants' | 'say'>): Promise<Answer> {
  if (path !== CREDENTIALS_PATH) return { status: 404, body: `there are ${CREDENTIALS_PATH} and /health` };
  if (method !== 'GET') return { status: 405, body: `${path} takes GET`, headers: { Allow: 'GET' } };
  const token = headers.authorization;
  if (token === undefined) return { status: 401, body: 'a token is needed: "Authorization: TOKEN"' };
  let who = 'grants';
  try {
    const grant = findGrant(grants(), token);
    if (grant === null) return { status: 403, body: 'nothing is granted to this token, or not any more; `rapt credentials grant` makes one' };
    who = `${roleName(grant.role)} (grant ${grantId(grant)})`;
    const { accessKey, secretKey, sessionToken, expiresMs } = await issue(grant.role);
    const until = new Date(expiresMs).toISOString();
    say(`${who}: keys until ${until}`);
    const keys: z.input<typeof issuedKeysSchema> = { AccessKeyId: accessKey, SecretAccessKey: secretKey, Token: sessionToken, Expiration: until };
    return { status: 200, body: JSON.stringify(keys), headers: { 'Content-Type': 'application/json' } };
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    say(`${who}: no keys. ${error.message}`);
    // Whoever asks can only ask again.
    return { status: 503, body: 'no keys at the moment; the log of the credential server says why' };
  }
}
