/** The owner's word for one request: that of whoever starts it by the command on the client's own machine.
 *
 *  It is a file in the client's home, found by a keyed digest of the request's name, and holds the request with every
 *  setting. So it allows exactly that run with exactly these settings, on tables as they were then; nobody who cannot
 *  write to the home can give it, and it does not travel with the request, so that there is nothing to be copied. A
 *  name stands for one word, the latest: a request of that name with other settings is somebody else's. */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { canonicalJson, guaranteeSchema, type Guarantee } from '../../contracts/index.ts';
import { makeFolder, readWritten, writeWholeFile } from '../../system/index.ts';
import { contentVersion } from '../data/index.ts';
import { clientSecret, knownSecret } from '../ledger/index.ts';

/** Workflows have one space of names for runs and predictions. */
export interface NamedRequest {
  readonly type: 'tuning' | 'prediction';
  /** Workflow id. */
  readonly id: string;
}

/** By which mechanism and eta a prediction's texts leave, which the run that is asked tells. */
export interface Terms {
  readonly mechanism: Guarantee['mechanism'];
  readonly eta: number | null;
}

export interface Word extends NamedRequest {
  /** As it was parsed, every default filled in. */
  readonly request: object;
  /** Of a prediction. */
  readonly terms?: Terms | undefined;
  /** The version of each table that the request names, by the table's address: it changes with the content. Tables that
   *  could not be looked at here are left out. */
  readonly tables?: Readonly<Record<string, string>> | undefined;
}

const wordSchema = z.strictObject({
  format: z.literal('rapt-approval/2'),
  type: z.enum(['tuning', 'prediction']),
  id: z.string(),
  at: z.string(),
  request: z.looseObject({}),
  terms: guaranteeSchema.pick({ mechanism: true, eta: true }).optional(),
  tables: z.record(z.string(), z.string()).optional(),
});

/** @param tenantFolder of the client's home. Safe to be called twice, and to be killed. */
export async function approve(tenantFolder: string, word: Word): Promise<void> {
  const path = fileOf(tenantFolder, await clientSecret(tenantFolder), word);
  makeFolder(join(tenantFolder, 'approvals'), 0o700);
  const content = { format: 'rapt-approval/2', ...word, at: new Date().toISOString() };
  await writeWholeFile(path, Readable.from([canonicalJson(content)]));
}

/** Null when the owner gave none here. To ask makes no secret. */
export async function wordFor(tenantFolder: string, named: NamedRequest): Promise<Word | null> {
  const secret = await knownSecret(tenantFolder);
  const bytes = secret === null ? null : await readWritten(fileOf(tenantFolder, secret, named));
  return bytes === null ? null : wordSchema.parse(JSON.parse(bytes.toString('utf8')));
}

/** The versions of tables as they are now. @param tables addresses, as `resolveDataset` tells them. */
export async function tablesNow(tables: readonly string[]): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const table of tables) {
    const version = await contentVersion(table);
    if (version !== null) versions[table] = version;
  }
  return versions;
}

/** Tables that are not what they were when the word was given. */
export async function changedSince({ tables = {} }: Pick<Word, 'tables'>): Promise<string[]> {
  const now = await tablesNow(Object.keys(tables));
  return Object.keys(tables).filter((table) => now[table] !== tables[table]);
}

function fileOf(tenantFolder: string, secret: Uint8Array, { type, id }: NamedRequest): string {
  const name = createHmac('sha256', secret)
    .update(`approval\0${canonicalJson({ type, id })}`)
    .digest('hex');
  return join(tenantFolder, 'approvals', `${name}.json`);
}
