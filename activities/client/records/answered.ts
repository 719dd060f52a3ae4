/** How many rows of a labelled table were answered as labelled, exactly: for the owner. */
import { join } from 'node:path';
import { runFolder } from '../../../rapt/home.ts';
import { readRunFile, writeWhole } from './run-file.ts';

const ANSWERED_FILE = 'answered.json';

interface Answered {
  readonly rows: number;
  readonly out: string;
  readonly labelled: number;
  /** A share of the labelled rows. */
  readonly accuracy: number;
}

export async function rememberAnswered(
  home: string,
  tenant: string,
  prediction: string,
  { rows, out, labelled, accuracy }: Answered,
): Promise<void> {
  await writeWhole(
    join(runFolder(home, tenant, prediction), ANSWERED_FILE),
    JSON.stringify({ rows, out, labelled, accuracy }),
  );
}

/** The owner's own figure; null where this machine has none. */
export const ownAccuracy = (home: string, tenant: string, prediction: string): number | null =>
  (readRunFile(home, tenant, prediction, ANSWERED_FILE) as Answered | null)?.accuracy ?? null;
