// @ts-check
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes a folder, and those above it that are missing. On file systems such as /proc, where a folder exists but
 *  nothing can be made in it, Node's own recursive `mkdir` never ends; this function throws.
 *  @param {string} path
 *  @param {number} [mode] of all folders that are made */
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
