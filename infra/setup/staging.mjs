// @ts-check
/** What is made aside, and moved to its place when it is whole. */
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../system/make-folder.mjs';
import { cacheFolder } from '../../system/paths.mjs';

/** Works in an empty folder on the file system of the cache, so that a rename moves what is made there to its place.
 *  What an interrupted set-up left in the folder is removed.
 *  @template T
 *  @param {string} name
 *  @param {(folder: string) => Promise<T>} body
 *  @returns {Promise<T>} */
export async function inStaging(name, body) {
  const folder = join(cacheFolder(), 'staging', name);
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Moves what is whole to its place, and removes what lies there.
 *  @param {string} from on the same file system
 *  @param {string} to */
export function put(from, to) {
  makeFolder(dirname(to));
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}
