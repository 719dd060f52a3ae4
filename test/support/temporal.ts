/** A Temporal server of a test's own, started as anybody starts one: it knows nothing of Rapt. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { temporalBinary } from '../../infra/setup/index.ts';
import { answersOn, freePort } from '../../infra/stack/ports.ts';
import { eventually } from './probe.ts';

export interface TestTemporal {
  /** host:port */
  readonly address: string;
  stop(): Promise<void>;
}

/** @param options of `temporal server start-dev`. */
export async function startTemporal(...options: readonly string[]): Promise<TestTemporal> {
  const port = await freePort(0);
  const server = spawn(
    temporalBinary(),
    [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--headless',
      '--log-level',
      'error',
      ...options,
    ],
    { stdio: 'ignore' },
  );
  const killWithTest = (): void => void server.kill('SIGKILL');
  process.once('exit', killWithTest);
  await eventually('Temporal answers', 60_000, () => answersOn(port));
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      process.off('exit', killWithTest);
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
  };
}

/** One that is stopped after the last test of the file. */
export async function temporalOfFile(...options: readonly string[]): Promise<TestTemporal> {
  const server = await startTemporal(...options);
  after(() => server.stop());
  return server;
}
