// @ts-check
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes a folder and those above it that are missing. Node's own way of doing so never ends where a file system has a
 *  folder and says, as /proc does, that there is none in it: here it is an error.
 *  @param {string} path
 *  @param {number} [mode] of all that are made */
export function makeFolder(path, mode = 0o777) {
  /** @type {string[]} */
  const missing = [];
  for (let at = resolve(path); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) make(folder, mode);
  if (!statSync(path).isDirectory())
    throw Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR', syscall: 'mkdir', path });
}

/** @param {string} folder
 *  @param {number} mode */
function make(folder, mode) {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process was first.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
}
