/** stack.json: the servers and workers of the local stack that `rapt up` started. Other commands find them here, and
 *  `rapt down` ends these and no others. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { homeFolder, makeFolder } from '../system/index.ts';

export const COMPONENTS = ['temporal', 'minio', 'codec', 'credentials', 'control', 'client', 'gpu'] as const;
export type Component = (typeof COMPONENTS)[number];
export const SERVERS: readonly Component[] = ['temporal', 'minio', 'codec', 'credentials'];

/** Where each worker shows its metrics, unless somebody else has these ports. */
export const PREFERRED_METRICS = {
  control: '127.0.0.1:9464',
  client: '127.0.0.1:9465',
  gpu: '127.0.0.1:9466',
} as const;

const processSchema = z.strictObject({
  pid: z.int(),
  /** Start time in clock ticks since boot, as /proc has it. The process id alone does not tell: another program may
   *  have been given it since. */
  startTime: z.string(),
});
export type StartedProcess = z.output<typeof processSchema>;

const recordSchema = z.strictObject({
  temporal: z.strictObject({ address: z.string(), uiUrl: z.string() }),
  /** The keys were made for this stack. MinIO and the issuer have them, no worker uses them, and only the owner of the
   *  file can read it. */
  s3: z.strictObject({ endpoint: z.string(), accessKey: z.string(), secretKey: z.string(), bucket: z.string() }),
  consoleUrl: z.string(),
  /** Stacks of earlier versions had none. */
  codecUrl: z.string().default('http://127.0.0.1:8234'),
  /** Gives each role its keys for the object store. Stacks of earlier versions had none. */
  credentialsUrl: z.string().default('http://127.0.0.1:8235'),
  /** Where each worker shows its metrics. Stacks of earlier versions had none. */
  metrics: z.strictObject({ control: z.string(), client: z.string(), gpu: z.string() }).default(PREFERRED_METRICS),
  processes: z.partialRecord(z.enum(COMPONENTS), processSchema),
});
export type StackRecord = z.output<typeof recordSchema>;

export const stackFolder = (): string => join(homeFolder(), 'stack');
export const logFile = (component: Component): string => join(stackFolder(), 'logs', `${component}.log`);
const recordFile = (): string => join(stackFolder(), 'stack.json');

/** The stack that was started last, whether or not it still runs; null when there was none.
 *  @throws RaptError badInput when the record cannot be read. */
export function readStack(): StackRecord | null {
  const path = recordFile();
  if (!existsSync(path)) return null;
  try {
    return recordSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RaptError(
      ErrorKind.badInput,
      `${path} cannot be read; remove it after ending the processes it names, then run \`rapt up\``,
      { cause },
    );
  }
}

export function writeStack(record: StackRecord): void {
  makeFolder(stackFolder(), 0o700);
  const path = recordFile();
  writeFileSync(`${path}.part`, JSON.stringify(record, null, 2), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}
