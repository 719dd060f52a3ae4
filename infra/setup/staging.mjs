// @ts-check
/** What is made aside, and moved to its place when it is whole. */
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../system/make-folder.mjs';
import { cacheFolder } from '../../system/paths.mjs';

/** A folder beside the place where its content will lie, so that a rename moves it there. Left-overs of an
 *  interrupted set-up are removed.
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

/** Puts what is whole where it belongs, in place of what lies there.
 *  @param {string} from on the same file system
 *  @param {string} to */
export function put(from, to) {
  makeFolder(dirname(to));
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}
