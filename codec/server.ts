/** The codec as a server: Temporal's remote data encoding, by which its UI and its command show payloads as they were, and send encrypted ones. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { BadInput, ErrorKind, RaptError } from '../contracts/index.ts';

const { Payloads } = proto.temporal.api.common.v1;

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly listen: { readonly host: string; readonly port: number };
  /** The one origin whose pages may ask: that of the Temporal UI. Null when no page may. */
  readonly origin: string | null;
  /** What callers put before every request as "Authorization: Bearer". Null when they need nothing. */
  readonly token: string | null;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** Host and port under which callers know the server, when it is not the address that it listens on. */
  readonly publicHost: string | null;
}

export interface CodecServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A page of a history; Temporal refuses a single payload of more than 2 MiB. */
const MOST_BODY_BYTES = 16 << 20;
const REQUEST_TIMEOUT_MS = 30_000;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** @throws BadInput for a server that others could reach and that would answer anybody, or in the clear. */
export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const { listen, tls } = options;
  const isLocal = LOOPBACK.includes(inUrl(listen.host));
  if (!isLocal && (options.token === null || options.publicHost === null)) {
    const where = `--listen ${listen.host}:${listen.port}`;
    const problem = 'can be reached from other machines: it needs a token (RAPT_CODEC_TOKEN_FILE) and the host name that callers use (--public-host), and TLS here (--cert, --key) or before it';
    throw new BadInput([{ where, problem }]);
  }
  let hosts: readonly string[] = [];
  const handle = (request: http.IncomingMessage, reply: http.ServerResponse): void => {
    answer(request, options, hosts).then(
      ({ status, body, headers }) => reply.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...ALWAYS, ...headers }).end(body),
      () => reply.destroy(),
    );
  };
  const server = tls === null ? http.createServer(handle) : https.createServer(tls, handle);
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.listen(listen.port, listen.host);
  await once(server, 'listening').catch((cause: unknown) => {
    throw new RaptError(ErrorKind.unavailable, `the codec server cannot listen on ${listen.host}:${listen.port} (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}); choose another address by --listen`, { cause });
  });
  const { port } = server.address() as AddressInfo;
  hosts = [...(isLocal ? LOOPBACK.map((name) => `${name}:${port}`) : []), ...(options.publicHost === null ? [] : [options.publicHost])];
  return {
    url: `${tls === null ? 'http' : 'https'}://${inUrl(listen.host)}:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const inUrl = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const ALWAYS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', Vary: 'Origin' };

async function answer(request: http.IncomingMessage, { codec, origin, token }: CodecServerOptions, hosts: readonly string[]): Promise<Answer> {
  const { method, headers } = request;
  const path = (request.url ?? '').replace(/\?.*$/s, '');
  if (method === 'GET' && path === '/health') return { status: 200, body: 'ok', headers: {} };

  // A page of any site can have its own name point at this address; the browser then sends that name.
  if (!hosts.includes(headers.host ?? '')) return { status: 421, body: `this codec server is asked as ${hosts.join(' or ')}`, headers: {} };
  const from = headers.origin;
  if (from !== undefined && from !== origin) return { status: 403, body: `pages of ${from} may not ask this codec server; those of ${origin ?? 'no origin'} may`, headers: {} };
  const cors = from === undefined ? {} : { 'Access-Control-Allow-Origin': from };
  const say = (status: number, body: string, more: Readonly<Record<string, string>> = {}): Answer => ({ status, body, headers: { ...cors, ...more } });
  if (method === 'OPTIONS')
    return say(204, '', { 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': 'Content-Type, X-Namespace, Authorization, Authorization-Extras', 'Access-Control-Max-Age': '600' });

  if (path !== '/decode' && path !== '/encode') return say(404, 'there are /decode, /encode and /health');
  if (method !== 'POST') return say(405, `${path} takes POST`, { Allow: 'POST' });
  if (token !== null && !isToken(headers.authorization, token)) return say(401, 'a token is needed: "Authorization: Bearer TOKEN"', { 'WWW-Authenticate': 'Bearer' });
  const body = await readBody(request);
  if (body === null) return say(413, `more than ${MOST_BODY_BYTES} bytes`, { Connection: 'close' });
  const payloads = parsePayloads(body);
  if (payloads === null) return say(400, 'must be {"payloads": [...]}, as Temporal writes payloads in JSON');
  try {
    const converted = Payloads.fromObject({ payloads: path === '/decode' ? await codec.decode(payloads) : await codec.encode(payloads) });
    return say(200, JSON.stringify(Payloads.toObject(converted, { bytes: String, longs: String, arrays: true })), { 'Content-Type': 'application/json' });
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    return say(400, error.message);
  }
}

/** Compares digests: they are of one length, and comparing them tells nothing by its time. */
function isToken(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}

/** Null when it is too large. */
async function readBody(request: http.IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // A request that is given up stays open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MOST_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsePayloads(body: Buffer): proto.temporal.api.common.v1.IPayload[] | null {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('payloads' in parsed)) return null;
    return Payloads.fromObject(parsed).payloads;
  } catch {
    return null;
  }
}
