/** A real Temporal server that is reached by TLS alone, by who shows a certificate and a key: as its cloud does, which the dev server cannot. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { answersOn, freePort } from '../../infra/stack/ports.ts';
import { temporalBinary } from '../../infra/setup/index.ts';
import type { Certificate } from './certificates.ts';
import { eventually } from './probe.ts';

const { NGHTTP2_FLAG_END_STREAM } = http2.constants;
const UNAUTHENTICATED = '16';

export interface GuardedTemporal {
  /** host:port */
  readonly address: string;
  /** Of the server behind, which asks nobody who he is. */
  readonly plainAddress: string;
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
  const port = await freePort(0);
  const temporal = spawn(temporalBinary(), ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'error'], { stdio: 'ignore' });
  const killWithTest = (): void => void temporal.kill('SIGKILL');
  process.once('exit', killWithTest);
  await eventually('Temporal answers', 60_000, () => answersOn(port));
  const upstream = http2.connect(`http://127.0.0.1:${port}`);
  let passed = 0;
  const proxy = http2.createSecureServer({ cert: readFileSync(server.cert), key: readFileSync(server.key), ca: readFileSync(authority), requestCert: true, rejectUnauthorized: true });
  const sessions = new Set<http2.ServerHttp2Session>();
  proxy.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => undefined);
  });
  proxy.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers.authorization !== `Bearer ${apiKey}`) {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' }, { endStream: true });
      return;
    }
    passed++;
    forward(stream, headers, upstream);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    address: `localhost:${(proxy.address() as AddressInfo).port}`,
    plainAddress: `127.0.0.1:${port}`,
    passed: () => passed,
    async close() {
      process.off('exit', killWithTest);
      for (const session of sessions) session.destroy();
      upstream.destroy();
      proxy.close();
      temporal.kill('SIGKILL');
      await once(temporal, 'exit');
    },
  };
}

/** One call, with the trailers in which gRPC tells how it ended. */
function forward(incoming: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, upstream: http2.ClientHttp2Session): void {
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
