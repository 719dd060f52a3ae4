/** The whole of Rapt with servers of a test's own, driven by the command as a user does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { readKeysFile } from '../../settings/index.ts';
import { createMinioStore, type ObjectStore, type StoreOptions } from '../../storage/index.ts';
import { dataConverter } from '../../workers/data-converter.ts';

export const PROGRAM = fileURLToPath(new URL('../../bin/rapt.mjs', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class TestStack {
  /** @param settings for the servers, the workers and the commands. */
  constructor(readonly settings: NodeJS.ProcessEnv = {}) {}

  readonly home = mkdtempSync(join(tmpdir(), 'rapt-stack-'));
  readonly keysFile = join(this.home, 'stack', 'codec-keys');
  readonly ownerKeysFile = join(this.home, 'stack', 'owner-keys');

  /** Runs `rapt` to its end. */
  rapt(...args: string[]): Promise<CommandResult> {
    return runProgram(process.execPath, [PROGRAM, ...args], this.environment());
  }

  /** As `rapt`, and parses the one JSON object on stdout. @throws Error with what was said when the code is another. */
  async json<T>(args: readonly string[], code = 0): Promise<T> {
    const result = await this.rapt(...args, '--json');
    if (result.code !== code)
      throw new Error(`rapt ${args.join(' ')} ended with ${result.code}:\n${result.stdout}${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  /** Process of a server or worker. */
  async pidOf(component: string): Promise<number> {
    const { components } = await this.json<{ components: { component: string; pid: number }[] }>(['status']);
    return components.find((found) => found.component === component)!.pid;
  }

  environment(): NodeJS.ProcessEnv {
    // Nothing that leads to other servers.
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(RAPT_)?TEMPORAL_(?!BIN$)|^RAPT_S3_|^AWS_CONTAINER_|^OTEL_/.test(name),
    );
    return { ...Object.fromEntries(own), RAPT_HOME: this.home, ...this.settings };
  }

  /** With its keys, as the command of its owner has them. */
  dataConverter(): DataConverter {
    return dataConverter(readKeysFile(this.keysFile), undefined, { ownerKeys: readKeysFile(this.ownerKeysFile) });
  }

  /** Its object store, with the keys that may do everything. */
  store(): ObjectStore {
    const { s3 } = JSON.parse(readFileSync(join(this.home, 'stack', 'stack.json'), 'utf8')) as { s3: StoreOptions };
    return createMinioStore(s3);
  }

  async remove(): Promise<void> {
    await this.rapt('down');
    rmSync(this.home, { recursive: true, force: true });
  }
}

export async function runProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd = process.cwd(),
): Promise<CommandResult> {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
