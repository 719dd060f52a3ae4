/** The issuer as a server: whoever shows a token gets the keys of the role for which the token was granted. */
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { RaptError } from '../../contracts/index.ts';
import { startGuardedServer, type Answer, type Listening, type RunningServer } from '../../system/index.ts';
import { findGrant, grantId, type Grant } from './grants.ts';
import type { Issuer } from './issuer.ts';
import { roleName } from './role-rights.ts';
import type { issuedKeysSchema } from './key-source.ts';

export interface CredentialServerOptions extends Listening {
  readonly issue: Issuer;
  /** Called at each request, so that a grant counts from the moment it is written until it is taken back.
   *  @throws RaptError when they cannot be read, which is then passed to `say`. */
  readonly grants: () => readonly Grant[];
  /** Takes a line of the log: who got keys, or why somebody with a good token got none. */
  readonly say: (line: string) => void;
}

export const CREDENTIALS_PATH = '/credentials';

/** @throws BadInput for a server that other machines could reach without TLS: its answers are the keys themselves. */
export function startCredentialServer({
  issue,
  grants,
  say,
  ...listening
}: CredentialServerOptions): Promise<RunningServer> {
  return startGuardedServer({
    ...listening,
    name: 'credential server',
    pages: null,
    toOthers: {
      allowed: listening.tls !== null,
      needs: 'TLS (--cert, --key) and the host name that callers use (--public-host)',
    },
    answer: (path, request) => answer(path, request, { issue, grants, say }),
  });
}

async function answer(
  path: string,
  { method, headers }: IncomingMessage,
  { issue, grants, say }: Pick<CredentialServerOptions, 'issue' | 'grants' | 'say'>,
): Promise<Answer> {
  if (path !== CREDENTIALS_PATH) return { status: 404, body: `there are ${CREDENTIALS_PATH} and /health` };
  if (method !== 'GET') return { status: 405, body: `${path} takes GET`, headers: { Allow: 'GET' } };
  const token = headers.authorization;
  if (token === undefined) return { status: 401, body: 'a token is needed: "Authorization: TOKEN"' };
  const granted = readable(grants, say);
  if (granted === null) return { status: 503, body: `${NOBODY_IS_KNOWN}; ${LOG_SAYS}` };
  const grant = findGrant(granted, token);
  if (grant === null) return { status: 403, body: NOTHING_IS_GRANTED };
  const who = `${roleName(grant.role)} (grant ${grantId(grant)})`;
  try {
    const { accessKey, secretKey, sessionToken, expiresMs } = await issue(grant.role);
    const until = new Date(expiresMs).toISOString();
    say(`${who}: keys until ${until}`);
    const keys: z.input<typeof issuedKeysSchema> = {
      AccessKeyId: accessKey,
      SecretAccessKey: secretKey,
      Token: sessionToken,
      Expiration: until,
    };
    return { status: 200, body: JSON.stringify(keys), headers: { 'Content-Type': 'application/json' } };
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    say(`${who}: no keys. ${error.message}`);
    // The reason stays in the log: whoever asks can do nothing about it but ask again.
    return { status: 503, body: `no keys at the moment; ${LOG_SAYS}` };
  }
}

const LOG_SAYS = 'the log of the credential server says why';
const NOTHING_IS_GRANTED = 'nothing is granted to this token, or not any more; `rapt credentials grant` makes one';
const NOBODY_IS_KNOWN = 'the grants cannot be read, so that no token is known or unknown';

/** The grants; null when they cannot be read. That is no refusal: the token may well be good. */
function readable(grants: () => readonly Grant[], say: (line: string) => void): readonly Grant[] | null {
  try {
    return grants();
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    say(`no keys for anybody. ${error.message}`);
    return null;
  }
}
