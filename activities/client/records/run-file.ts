/** The files of a run's folder. */
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { runFile } from '../../../rapt/home.ts';

/** A reader sees the old file or the new one. What a killed attempt left is overwritten by the next one. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.part`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

/** What stands in a JSON file of a run; null when there is none. */
export function readRunFile(home: string, tenant: string, run: string, name: string): unknown {
  const path = runFile(home, tenant, run, name);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as unknown) : null;
}
