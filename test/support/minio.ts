/** A MinIO server of a test's own. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { minioBinary } from '../../infra/setup/index.ts';
import { freePort } from '../../infra/stack/ports.ts';
import { createMinioStore, type ObjectStore, type StoreOptions } from '../../storage/index.ts';

export interface TestMinio {
  readonly options: StoreOptions;
  /** Where the server keeps its objects. */
  readonly folder: string;
  stop(): Promise<void>;
  /** Starts it again on the same port with the same objects.
   *  @param password root's from now on; default: the one of before. */
  start(password?: string): Promise<void>;
}

const OFF = { MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' };

/** Starts a server on a free port with credentials of its own; the bucket is not made. */
async function startMinio(): Promise<TestMinio> {
  const binary = minioBinary();
  if (!existsSync(binary))
    throw new Error(`${binary} does not exist; run \`npm run setup\`, or name the server in RAPT_MINIO_BIN`);
  const folder = mkdtempSync(join(tmpdir(), 'rapt-minio-'));
  const port = await freePort(0);
  const options: StoreOptions = {
    endpoint: `http://127.0.0.1:${port}`,
    accessKey: randomBytes(10).toString('hex'),
    secretKey: randomBytes(20).toString('hex'),
    bucket: 'rapt-test',
  };
  let rootPassword = options.secretKey;
  const launch = async (): Promise<() => Promise<void>> => {
    const server = spawn(binary, ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'], {
      stdio: 'ignore',
      env: { ...process.env, ...OFF, MINIO_ROOT_USER: options.accessKey, MINIO_ROOT_PASSWORD: rootPassword },
    });
    const killWithTest = (): void => void server.kill('SIGKILL');
    process.once('exit', killWithTest);
    for (let tries = 0; ; tries++) {
      const healthy = await fetch(`${options.endpoint}/minio/health/live`).then(
        (reply) => reply.ok,
        () => false,
      );
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
    start: async (password = rootPassword) => {
      rootPassword = password;
      kill = await launch();
    },
  };
}

/** A server with its bucket, for all tests of a file. */
export async function minioOfFile(): Promise<{ server: TestMinio; store: ObjectStore }> {
  const server = await startMinio();
  after(async () => {
    await server.stop();
    rmSync(server.folder, { recursive: true, force: true });
  });
  const store = createMinioStore(server.options);
  await store.ensureBucket();
  return { server, store };
}
