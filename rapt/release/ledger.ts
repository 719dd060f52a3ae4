/** The ledger: every release that left this client, written before its first byte does. It outlives the release's own folder, so that texts
 *  whose folder was lost are not released a second time. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, ErrorKind, RaptError, sha256Schema, type ReleaseManifest, type Sha256 } from '../../contracts/index.ts';
import { writeOnce } from './durable.ts';

const LEDGER_FOLDER = 'ledger';

const entrySchema = z.strictObject({
  format: z.literal('rapt-ledger/1'),
  /** Name of the release's folder: a keyed digest of the texts and the settings. */
  localKey: z.string(),
  /** SHA-256 of the manifest, which names every byte. */
  digest: sha256Schema,
  tenant: z.string(),
  mechanism: z.string(),
  eta: z.number().nullable(),
  rows: z.int(),
  tokens: z.int(),
  releasedAt: z.iso.datetime(),
});
export type LedgerEntry = z.output<typeof entrySchema>;

/** Enters a release before it leaves; one that is entered already stays as it is.
 *  @throws RaptError badInput when the same texts left with the same settings as another noisy version. */
export async function enterRelease(tenantFolder: string, localKey: string, digest: Sha256, manifest: ReleaseManifest): Promise<void> {
  const folder = join(tenantFolder, LEDGER_FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { tenant, guarantee, rows, tokens } = manifest;
  const entry: LedgerEntry = {
    format: 'rapt-ledger/1',
    localKey,
    digest,
    tenant,
    mechanism: guarantee.mechanism,
    eta: guarantee.eta,
    rows: rows.train + rows.test,
    tokens,
    releasedAt: new Date().toISOString(),
  };
  const path = join(folder, `${localKey}.json`);
  if (await writeOnce(folder, path, Buffer.from(canonicalJson(entry)))) return;
  const released = await readEntry(path);
  if (released.digest === digest) return;
  throw new RaptError(
    ErrorKind.badInput,
    `these texts were released already, as ${released.digest} at ${released.releasedAt}; a second noisy version would add to what is known of them. Restore that release's folder (${localKey}) from a backup`,
  );
}

/** All entries, oldest first. */
export async function readLedger(tenantFolder: string): Promise<LedgerEntry[]> {
  const folder = join(tenantFolder, LEDGER_FOLDER);
  const names = await readdir(folder).catch(() => []);
  const entries = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => readEntry(join(folder, name))));
  return entries.sort((a, b) => (a.releasedAt < b.releasedAt ? -1 : 1));
}

async function readEntry(path: string): Promise<LedgerEntry> {
  try {
    return entrySchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new RaptError(ErrorKind.corruptArtifact, `${path} is not an entry of the ledger, or was damaged; restore it from a backup`, { cause });
  }
}
