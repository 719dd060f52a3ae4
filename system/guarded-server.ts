/** Servers that hand out what not everybody may have: whom they answer, and where they may listen. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { BadInput, ErrorKind, RaptError } from '../contracts/index.ts';

/** Where a server listens, and how callers know it. */
export interface Listening {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** Host and port under which callers know the server, when it is not the address that it listens on. */
  readonly publicHost: string | null;
}

export interface GuardedServerOptions extends Listening {
  /** The server's name in messages, such as "codec server". */
  readonly name: string;
  /** The origin whose pages may ask, and the headers that tell a browser what it may send for them; null when no page
   *  may ask. */
  readonly pages: { readonly origin: string; readonly allow: Readonly<Record<string, string>> } | null;
  /** Whether other machines may reach the server, and what it needs for that, in words that follow "it needs". */
  readonly toOthers: { readonly allowed: boolean; readonly needs: string };
  /** Answers a request that was let in. A rejection breaks the connection off. @param path of the request, without its
   *  query. */
  readonly answer: (path: string, request: http.IncomingMessage) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RunningServer {
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 30_000;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const ALWAYS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Origin',
};

/** Answers /health to anybody. Everything else it answers only to callers who use the server's own name and are no page
 *  of a foreign origin.
 *  @throws BadInput for a server that other machines could reach, but that lacks what it needs for that. */
export async function startGuardedServer(options: GuardedServerOptions): Promise<RunningServer> {
  const { name, listen, tls, publicHost, toOthers } = options;
  const isLocal = LOOPBACK.includes(inUrl(listen.host));
  if (!isLocal && !(toOthers.allowed && publicHost !== null))
    throw new BadInput([
      {
        where: `--listen ${listen.host}:${listen.port}`,
        problem: `can be reached from other machines: it needs ${toOthers.needs}`,
      },
    ]);
  let hosts: readonly string[] = [];
  const handle = (request: http.IncomingMessage, reply: http.ServerResponse): void => {
    guarded(request, options, hosts).then(
      ({ status, body, headers }) => reply.writeHead(status, { ...ALWAYS, ...headers }).end(body),
      () => reply.destroy(),
    );
  };
  const server = tls === null ? http.createServer(handle) : https.createServer(tls, handle);
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.listen(listen.port, listen.host);
  await once(server, 'listening').catch((cause: unknown) => {
    const place = `${listen.host}:${listen.port}`;
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new RaptError(
      ErrorKind.unavailable,
      `the ${name} cannot listen on ${place} (${code}); choose another address by --listen`,
      { cause },
    );
  });
  const { port } = server.address() as AddressInfo;
  hosts = [
    ...(isLocal ? LOOPBACK.map((loopback) => `${loopback}:${port}`) : []),
    ...(publicHost === null ? [] : [publicHost]),
  ];
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

async function guarded(
  request: http.IncomingMessage,
  { name, pages, answer }: GuardedServerOptions,
  hosts: readonly string[],
): Promise<Answer> {
  const { method, headers } = request;
  const path = (request.url ?? '').replace(/\?.*$/s, '');
  if (method === 'GET' && path === '/health') return { status: 200, body: 'ok' };

  // The page of any site can make its own name point at this address; the browser then sends that name.
  if (!hosts.includes(headers.host ?? ''))
    return { status: 421, body: `this ${name} is asked as ${hosts.join(' or ')}` };
  const from = headers.origin;
  if (from !== undefined && from !== pages?.origin)
    return {
      status: 403,
      body: `pages of ${from} may not ask this ${name}; those of ${pages?.origin ?? 'no origin'} may`,
    };
  const cors = from === undefined ? {} : { 'Access-Control-Allow-Origin': from };
  const {
    status,
    body,
    headers: more,
  } = method === 'OPTIONS' && pages !== null
    ? { status: 204, body: '', headers: pages.allow }
    : await answer(path, request);
  return { status, body, headers: { ...cors, ...more } };
}

/** Whether two texts are the same. Their digests are compared, which have one length, so that the time tells
 *  nothing. */
export function isSameSecret(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
