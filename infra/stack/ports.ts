import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo } from 'node:net';

const HOST = '127.0.0.1';

/** The wanted port if nobody listens there, else any free one. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryListen(wanted)) ?? (await tryListen(0))!;
}

async function tryListen(port: number): Promise<number | null> {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return null;
  } finally {
    server.close();
  }
}

export async function answersOn(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: HOST, timeout: 1000 });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
