/** What is told of how many of a labelled table's rows were answered as labelled: as a run's accuracy is told
 *  (grade.ts). */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '../../contracts/index.ts';
import { makeFolder, writeOnce } from '../../system/index.ts';
import { toldShare, tooFewRows } from '../evaluation/index.ts';

const GRADED_FILE = 'graded.json';
const PROTECTED_FILE = 'labels-protected';

/** Of the rows that have a label. */
export interface AnsweredRows {
  readonly labelled: number;
  /** Those that were answered as labelled. */
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

interface Question {
  /** Of the answers as the provider gave them. */
  readonly predictions: Sha256;
  /** Column of the labels. */
  readonly label: string | null;
}

/** The accuracy that is told: in steps and over enough rows, once for each release; null where it is not told. No noise
 *  is drawn: labels of a question have no budget that would pay for it. @param folder of the prediction's release. */
export async function toldAccuracy(
  folder: string,
  { labelled, right }: AnsweredRows,
  question: Question,
): Promise<number | null> {
  const isTold = !existsSync(join(folder, 'private', PROTECTED_FILE)) && tooFewRows(labelled) === null;
  return isTold && (await isFirst(folder, question)) ? toldShare(right / labelled, labelled) : null;
}

/** The same table is graded by one set of answers: other answers, which the provider chooses, would tell of single
 *  labels. */
async function isFirst(folder: string, { predictions, label }: Question): Promise<boolean> {
  const own = join(folder, 'private');
  makeFolder(own, 0o700);
  const path = join(own, GRADED_FILE);
  const asked = JSON.stringify({ predictions, label });
  return (await writeOnce(folder, path, Buffer.from(asked))) || (await readFile(path, 'utf8')) === asked;
}
