/** A run's report: on the disk of its client, else in the store, where it is sealed for its client. */
import { existsSync, readFileSync } from 'node:fs';
import { ErrorKind, RaptError, SEALED_ENDING } from '../contracts/index.ts';
import { resolveStore } from '../settings/index.ts';
import { clientHome, runFile, tenantFolder } from '../rapt/home.ts';

export const REPORT_FORMATS = ['html', 'json', 'md'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** @throws RaptError notFound when there is none; accessDenied when it is sealed and this machine is not its client's.
 */
export async function readReport(tenant: string, run: string, format: ReportFormat): Promise<Buffer> {
  const path = runFile(clientHome(), tenant, run, `report.${format}`);
  if (existsSync(path)) return readFileSync(path);
  const { createMinioStore, readRunManifest } = await import('../storage/index.ts');
  const store = createMinioStore(resolveStore({ kind: 'client', tenant }));
  const manifest = await readRunManifest(store, tenant, run);
  const ref = format === 'html' ? manifest?.report : manifest?.reportFiles?.[`report.${format}`];
  if (ref === undefined)
    throw new RaptError(
      ErrorKind.notFound,
      `run ${run} has no ${format} report, here or in the store: ` +
        'it has not finished, or finished under an earlier version',
    );
  const stored = await store.get(ref);
  // Earlier versions stored it readable.
  if (!ref.key.endsWith(SEALED_ENDING)) return stored;
  const { knownSecret } = await import('../rapt/ledger/index.ts');
  const { openReport } = await import('../rapt/client/index.ts');
  const secret = await knownSecret(tenantFolder(clientHome(), tenant));
  if (secret === null)
    throw new RaptError(
      ErrorKind.accessDenied,
      `the report of run ${run} is sealed for the machine of its texts, which this is not; ` +
        `\`rapt report --run ${run}\` shows it there`,
    );
  return openReport(secret, ref.key, stored);
}
