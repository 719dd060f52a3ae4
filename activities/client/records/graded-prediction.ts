/** How many of a labelled table's rows were answered as labelled: for the owner exactly, and told by the rules of a
 *  run's accuracy. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FinishedPrediction, PreparedPrediction, Sha256 } from '../../../contracts/index.ts';
import { toldShare, tooFewRows } from '../../../rapt/evaluation/index.ts';
import { releaseFolder, runFolder } from '../../../rapt/home.ts';
import { makeFolder, writeOnce } from '../../../system/index.ts';
import { readRunFile, writeWhole } from './run-file.ts';

const ANSWERED_FILE = 'answered.json';
const GRADED_FILE = 'graded.json';
const PROTECTED_FILE = 'labels-protected';

interface Answered {
  readonly prepared: Pick<PreparedPrediction, 'tenant' | 'prediction' | 'localKey'> & {
    readonly input: { readonly label?: string | undefined };
  };
  /** Of the answers as the provider gave them. */
  readonly predictions: Sha256;
  readonly rows: number;
  readonly out: string;
  readonly labelled: number;
  readonly right: number;
}

/** Writes down, beside a prediction's release, that its labels are protected because those of the adapter's training
 *  were, or since the owner's policy says so: what comes back from the provider's side later does not decide it. */
export async function keepProtection(
  folder: string,
  { isProtected }: { readonly isProtected: boolean },
): Promise<void> {
  if (!isProtected) return;
  const own = join(folder, 'private');
  makeFolder(own, 0o700);
  await writeOnce(folder, join(own, PROTECTED_FILE), new Uint8Array(0));
}

/** What leaves of a prediction; the owner's own figure is written down first. */
export async function finishedPrediction(
  home: string,
  { prepared, predictions, rows, out, labelled, right }: Answered,
): Promise<FinishedPrediction> {
  if (labelled === 0) return { rows, out, accuracy: null };
  const { tenant, prediction, localKey, input } = prepared;
  const accuracy = right / labelled;
  await writeWhole(
    join(runFolder(home, tenant, prediction), ANSWERED_FILE),
    JSON.stringify({ rows, out, labelled, accuracy }),
  );
  const folder = releaseFolder(home, tenant, localKey);
  // No noise is drawn here: labels of a question have no budget that would pay for it.
  const isTold = !existsSync(join(folder, 'private', PROTECTED_FILE)) && tooFewRows(labelled) === null;
  return {
    rows,
    out,
    accuracy:
      isTold && (await isFirst(folder, { predictions, label: input.label ?? null }))
        ? toldShare(accuracy, labelled)
        : null,
  };
}

/** The same table is graded by one set of answers: other answers, which the provider chooses, would tell of single
 *  labels. */
async function isFirst(
  folder: string,
  question: { readonly predictions: Sha256; readonly label: string | null },
): Promise<boolean> {
  const own = join(folder, 'private');
  makeFolder(own, 0o700);
  const path = join(own, GRADED_FILE);
  const asked = JSON.stringify(question);
  return (await writeOnce(folder, path, Buffer.from(asked))) || (await readFile(path, 'utf8')) === asked;
}

/** The owner's own figure; null where this machine has none. */
export const ownAccuracy = (home: string, tenant: string, prediction: string): number | null =>
  (readRunFile(home, tenant, prediction, ANSWERED_FILE) as { readonly accuracy: number } | null)?.accuracy ?? null;
