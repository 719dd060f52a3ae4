/** A proxy as organisations have one: it passes plain requests on, and tunnels the others. */
import { once } from 'node:events';
import http from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface ForwardProxy {
  /** Without user and password. */
  readonly host: string;
  /** Hosts that were asked for, "CONNECT" before those of tunnels. */
  readonly passed: string[];
}

/** @param user who may pass, as "name:password"; everybody where it is not given. */
export async function startForwardProxy(user?: string): Promise<ForwardProxy> {
  const passed: string[] = [];
  const wanted = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
  const mayPass = ({ headers }: http.IncomingMessage): boolean =>
    wanted === undefined || headers['proxy-authorization'] === wanted;
  const proxy = http.createServer((request, reply) => {
    if (!mayPass(request)) return void reply.writeHead(407).end();
    const url = new URL(request.url ?? '');
    passed.push(url.host);
    const forward = http.request(url, { method: request.method, headers: request.headers }, (inner) => {
      reply.writeHead(inner.statusCode ?? 500, inner.headers);
      inner.pipe(reply);
    });
    forward.on('error', () => request.socket.destroy());
    request.pipe(forward);
  });
  proxy.on('connect', (request: http.IncomingMessage, socket) => {
    socket.on('error', () => undefined);
    if (!mayPass(request)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    passed.push(`CONNECT ${request.url ?? ''}`);
    const [host, port] = (request.url ?? '').split(':') as [string, string];
    const outgoing = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      outgoing.pipe(socket).pipe(outgoing);
    });
    outgoing.on('error', () => socket.destroy());
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return { host: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, passed };
}
