/** Which ports of this machine are free, and who listens on them. */
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HOST = '127.0.0.1';
const POLL_MS = 100;

/** The address of a port on this machine. */
export const local = (port: number | string): string => `${HOST}:${port}`;

/** The port of an address or a URL without a path. */
export const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

/** The wanted port, if nobody listens there or whoever does stops within `patienceMs`; else any free port. */
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

/** Whether this very process listens on the port, by the kernel's tables: /proc/net/tcp names the sockets that listen
 *  (state 0A), and /proc/PID/fd the sockets of a process (proc(5)). */
export function listensOn(pid: number, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = ['tcp', 'tcp6']
    .flatMap((family) => socketsOf(family))
    .filter(([, address = '', , state]) => address.endsWith(wanted) && state === '0A');
  const sockets = new Set(listening.map((fields) => `socket:[${fields[9]}]`));
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

function socketsOf(family: string): string[][] {
  try {
    return readFileSync(`/proc/net/${family}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
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
