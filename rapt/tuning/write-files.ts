import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../system/index.ts';

/** Writes the files of an adapter or of a checkpoint. @param folder is made if need be. @param files bytes by name. */
export function writeFiles(folder: string, files: Readonly<Record<string, Buffer>>): void {
  makeFolder(folder);
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
}
