/** A MinIO server of a test's own. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreOptions } from '../../storage/index.ts';

export interface TestMinio {
  readonly options: StoreOptions;
  /** Where the server keeps its objects. */
  readonly folder: string;
  stop(): Promise<void>;
  /** Starts it again on the same port with the same objects. */
  start(): Promise<void>;
}

/** Starts a server on a free port with credentials of its own; the bucket is not made. */
export async function startMinio(): Promise<TestMinio> {
  const cache = process.env['RAPT_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'rapt');
  const binary = process.env['RAPT_MINIO_BIN'] ?? join(cache, 'bin', 'minio');
  if (!existsSync(binary)) throw new Error(`${binary} does not exist; run \`npm run setup\`, or name the server in RAPT_MINIO_BIN`);
  const folder = mkdtempSync(join(tmpdir(), 'rapt-minio-'));
  const port = await freePort();
  const options: StoreOptions = {
    endpoint: `http://127.0.0.1:${port}`,
    accessKey: randomBytes(10).toString('hex'),
    secretKey: randomBytes(20).toString('hex'),
    bucket: 'rapt-test',
  };
  const launch = async (): Promise<() => Promise<void>> => {
    const server = spawn(binary, ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'], {
      stdio: 'ignore',
      env: { ...process.env, MINIO_ROOT_USER: options.accessKey, MINIO_ROOT_PASSWORD: options.secretKey, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
    });
    const killWithTest = (): void => void server.kill('SIGKILL');
    process.once('exit', killWithTest);
    for (let tries = 0; ; tries++) {
      const healthy = await fetch(`${options.endpoint}/minio/health/live`).then((reply) => reply.ok, () => false);
      if (healthy) break;
      if (tries === 300 || server.exitCode !== null) throw new Error('MinIO did not start');
      await sleep(100);
    }
    return async () => {
      process.off('exit', killWithTest);
      if (server.exitCode !== null) return;
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    };
  };
  let kill = await launch();
  return {
    options,
    folder,
    stop: async () => {
      await kill();
    },
    start: async () => {
      kill = await launch();
    },
  };
}

export function removeMinioFolder({ folder }: TestMinio): void {
  rmSync(folder, { recursive: true, force: true });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
