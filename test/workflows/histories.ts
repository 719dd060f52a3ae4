import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Histories of runs of earlier versions: a version that cannot replay them would break runs that are under way when it
 *  is deployed. */
export const HISTORIES = fileURLToPath(new URL('../fixtures/histories/', import.meta.url));

export const historyFiles = (): string[] =>
  readdirSync(HISTORIES)
    .filter((file) => file.endsWith('.json'))
    .sort();
