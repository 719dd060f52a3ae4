// @ts-check
/** Lets one process at a time do something, among all that share a folder, on this machine and on others. */
import { linkSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from './make-folder.mjs';
import { isStale, ownerMark } from './owner.mjs';

const POLL_MS = 300;
/** How often a lock is touched. A lock of another machine counts as left behind when it has not been touched for an
 *  hour. */
const TOUCH_MS = 60_000;

/** Runs the body while nobody else holds the lock file. A lock whose process has ended is taken over.
 *  @template T
 *  @param {string} path
 *  @param {() => Promise<T>} body
 *  @param {() => void} [onWait] is called once when somebody else holds it
 *  @param {AbortSignal} [signal] ends the waiting
 *  @returns {Promise<T>} */
export async function withFileLock(path, body, onWait, signal) {
  makeFolder(dirname(path));
  const mark = ownerMark();
  for (let told = false; !take(path, mark); told = true) {
    if (await removeStale(path)) continue;
    if (!told) onWait?.();
    await sleep(POLL_MS, undefined, { signal });
  }
  const touching = setInterval(() => touch(path), TOUCH_MS).unref();
  try {
    return await body();
  } finally {
    clearInterval(touching);
    rmSync(path, { force: true });
  }
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody removed it by hand.
  }
}

/** @param {string} path
 *  @param {string} mark
 *  @returns {boolean} */
function take(path, mark) {
  try {
    writeFileSync(path, mark, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    return false;
  }
}

/** @param {string} path
 *  @returns {Promise<boolean>} whether it was removed */
async function removeStale(path) {
  const owner = ownerOf(path);
  if (owner === null || !(await isStale(path, owner))) return false;
  // Another process may have removed it and taken the lock meanwhile, so the file is looked at again once it is aside.
  const aside = `${path}.${ownerMark()}`;
  try {
    renameSync(path, aside);
  } catch {
    return true;
  }
  try {
    if (ownerOf(aside) !== owner) linkSync(aside, path);
  } catch {
    // A third process has the lock by now.
  } finally {
    rmSync(aside, { force: true });
  }
  return true;
}

/** The owner of a lock; null when nobody has it, or its owner has not written its mark yet.
 *  @param {string} path
 *  @returns {string | null} */
function ownerOf(path) {
  try {
    return readFileSync(path, 'utf8') || null;
  } catch {
    return null;
  }
}
