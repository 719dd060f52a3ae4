/** A real Temporal server that is reached by TLS alone, by who shows a certificate and a key: as its cloud does, which
 *  the dev server cannot. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.ts';
import { startTemporal } from './temporal.ts';

const { NGHTTP2_FLAG_END_STREAM } = http2.constants;
const PERMISSION_DENIED = '7';
const UNAUTHENTICATED = '16';

export interface GuardedTemporal {
  /** host:port */
  readonly address: string;
  /** Of the server behind, which asks for no key. */
  readonly plainAddress: string;
  /** Calls that the key does not cover, by their names, such as "AddSearchAttributes"; may be changed at any time. */
  readonly refused: Set<string>;
  /** Requests that were let through so far. */
  readonly passed: () => number;
  close(): Promise<void>;
}

export interface Guard {
  readonly server: Certificate;
  /** Who vouches for callers. */
  readonly authority: string;
  readonly apiKey: string;
}

/** Starts a dev server, and before it what its own settings cannot do. */
export async function startGuardedTemporal({ server, authority, apiKey }: Guard): Promise<GuardedTemporal> {
  const temporal = await startTemporal();
  const upstream = http2.connect(`http://${temporal.address}`);
  const refused = new Set<string>();
  let passed = 0;
  const proxy = http2.createSecureServer({
    cert: readFileSync(server.cert),
    key: readFileSync(server.key),
    ca: readFileSync(authority),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  proxy.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => undefined);
  });
  proxy.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const refuse = (status: string): void => {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': status,
          'grpc-message': 'Request unauthorized.',
        },
        { endStream: true },
      );
    };
    if (headers.authorization !== `Bearer ${apiKey}`) {
      refuse(UNAUTHENTICATED);
      return;
    }
    if (refused.has(headers[':path']?.split('/').at(-1) ?? '')) {
      refuse(PERMISSION_DENIED);
      return;
    }
    passed++;
    forward(stream, headers, upstream);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    address: `localhost:${(proxy.address() as AddressInfo).port}`,
    plainAddress: temporal.address,
    refused,
    passed: () => passed,
    async close() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      proxy.close();
      await temporal.stop();
    },
  };
}

/** One call, with the trailers in which gRPC tells how it ended. */
function forward(
  incoming: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  upstream: http2.ClientHttp2Session,
): void {
  const outgoing = upstream.request(headers);
  let trailers: http2.IncomingHttpHeaders = {};
  outgoing.on('response', (reply, flags) => {
    const { [':status']: status, ...rest } = reply;
    const whole = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    incoming.respond({ ':status': status, ...rest }, whole ? { endStream: true } : { waitForTrailers: true });
    if (!whole) outgoing.pipe(incoming);
  });
  outgoing.on('trailers', (sent: http2.IncomingHttpHeaders) => (trailers = sent));
  incoming.on('wantTrailers', () => incoming.sendTrailers(trailers));
  outgoing.on('error', () => incoming.close());
  incoming.on('close', () => outgoing.close(http2.constants.NGHTTP2_CANCEL));
  incoming.pipe(outgoing);
}
