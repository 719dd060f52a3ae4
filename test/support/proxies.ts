/** What stands between two programs and does to their connections what networks and servers do. */
import http from 'node:http';
import { createServer, createConnection, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export type Answer =
  | 'pass'
  /** Closes the connection without an answer. */
  | 'break'
  | 'cut the answer'
  /** Carries the request out, and closes the connection instead of answering. */
  | 'lose the answer'
  | 'never answer'
  /** Changes one bit of the answer. */
  | 'flip a bit'
  | { readonly waitMs: number }
  /** A status without a body, or with an error as S3 words it. */
  | number
  | { readonly status: number; readonly code: string };

export interface HttpProxy {
  readonly endpoint: string;
  close(): void;
}

/** A server between client and store that lets requests pass, or does something else to them. */
export async function startHttpProxy(
  endpoint: string,
  decide: (request: http.IncomingMessage) => Answer,
): Promise<HttpProxy> {
  const target = new URL(endpoint);
  const proxy = http.createServer((request, reply) => {
    const answer = decide(request);
    if (answer === 'never answer') return;
    if (answer === 'break') return void request.socket.destroy();
    if (typeof answer === 'number') {
      request.resume();
      return void reply.writeHead(answer).end();
    }
    if (typeof answer === 'object' && 'status' in answer) {
      request.resume();
      const body =
        '<?xml version="1.0" ' +
        `encoding="UTF-8"?><Error><Code>${answer.code}</Code><Message>injected</Message></Error>`;
      return void request.on('end', () =>
        reply.writeHead(answer.status, { 'Content-Type': 'application/xml', 'Content-Length': body.length }).end(body),
      );
    }
    const forward = http.request(
      { host: target.hostname, port: target.port, method: request.method, path: request.url, headers: request.headers },
      (inner) => {
        if (answer === 'lose the answer') return void inner.resume().on('end', () => request.socket.destroy());
        reply.writeHead(inner.statusCode ?? 500, inner.headers);
        if (answer === 'flip a bit') return void inner.pipe(flipFirstBit()).pipe(reply);
        if (answer !== 'cut the answer') return void inner.pipe(reply);
        inner.once('data', (chunk: Buffer) => {
          reply.write(chunk.subarray(0, 1000));
          setTimeout(() => request.socket.destroy(), 50);
        });
      },
    );
    // The target is away: so is the proxy.
    forward.on('error', () => request.socket.destroy());
    if (typeof answer === 'object') setTimeout(() => request.pipe(forward), answer.waitMs);
    else request.pipe(forward);
  });
  // The signature covers the Host header, so it is passed on as it came.
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

function flipFirstBit(): Transform {
  let done = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      if (!done && chunk.length > 0) {
        chunk[0] = chunk[0]! ^ 1;
        done = true;
      }
      next(null, chunk);
    },
  });
}

export interface TcpProxy {
  /** host:port */
  readonly address: string;
  /** Closes all connections and takes no new ones, or takes them again. */
  setUp(isUp: boolean): void;
  close(): void;
}

/** Passes bytes on while it is up. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const [host, port] = target.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let isUp = true;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const proxy = createServer((incoming) => {
    track(incoming);
    if (!isUp) return void incoming.destroy();
    const outgoing = track(createConnection({ host, port: Number(port) }));
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    setUp(up) {
      isUp = up;
      if (!up) cut();
    },
    close: () => {
      cut();
      proxy.close();
    },
  };
}
