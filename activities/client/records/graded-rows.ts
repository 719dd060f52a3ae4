/** Which test rows of a finished run were answered right, for those who compare runs. */
import { existsSync } from 'node:fs';
import type { Sha256 } from '../../../contracts/index.ts';
import { releaseFolder, tenantFolder } from '../../../rapt/home.ts';
import { Ledger } from '../../../rapt/ledger/index.ts';
import { openRelease, readLocalLabels } from '../../../rapt/release/index.ts';
import { readRunManifest } from '../../../storage/index.ts';
import type { ClientDependencies } from '../dependencies.ts';
import { readPredictions } from '../stored-results.ts';

export interface GradedRow {
  readonly truth: string;
  readonly right: boolean;
}

/** The folder of a release that left this client; null when it is not here. */
export async function findRelease(home: string, tenant: string, digest: Sha256): Promise<string | null> {
  const entry = (await new Ledger(tenantFolder(home, tenant)).releases()).find(
    ({ released }) => released?.digest === digest,
  );
  if (entry === undefined) return null;
  const folder = releaseFolder(home, tenant, entry.localKey);
  return existsSync(folder) ? folder : null;
}

/** By the row's number in its table; null when labels or answers are not at hand. @throws RaptError when they are, and
 *  damaged. */
export async function gradedRows(
  { store, home }: ClientDependencies,
  tenant: string,
  run: string,
  release: Sha256,
): Promise<Map<number, GradedRow> | null> {
  const folder = await findRelease(home, tenant, release);
  const found = folder === null ? null : await openRelease(folder);
  const made = await readRunManifest(store, tenant, run);
  if (folder === null || found === null || made === null) return null;
  const { classes } = found.manifest;
  const { rows, labels } = await readLocalLabels(folder);
  const truths = new Map(Array.from(rows, (row, at) => [row, labels[at]!]));
  const answers = await readPredictions(store, made.predictions);
  return new Map(
    answers.rows.flatMap((row, at) => {
      const truth = classes[truths.get(row) ?? -1];
      return truth === undefined ? [] : [[row, { truth, right: classes[answers.predicted[at]!] === truth }]];
    }),
  );
}
