import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HOST = '127.0.0.1';
const POLL_MS = 100;

/** The wanted port if nobody listens there, or will have stopped to within `patienceMs`; else any free one. */
export async function freePort(wanted: number, patienceMs = 0): Promise<number> {
  for (let waited = 0; ; waited += POLL_MS) {
    const port = await tryListen(wanted);
    if (port !== null) return port;
    if (waited >= patienceMs) return (await tryListen(0))!;
    await sleep(POLL_MS);
  }
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
