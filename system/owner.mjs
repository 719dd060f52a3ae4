// @ts-check
/** To which process a lock or a half-written copy belongs, and whether that process still runs. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isRunning } from './is-running.mjs';

/** A temporary file lives for the milliseconds of one write. A file of this age belongs to nobody, whatever machine
 *  made it. */
const STALE_AFTER_MS = 60 * 60 * 1000;

/** A new mark for the name of a temporary file. It tells the file's process, and no other file has the same mark. */
export const ownerMark = () => `${hostname()}-${process.pid}-${randomBytes(6).toString('hex')}`;

/** Whether a temporary file belongs to nobody any more.
 *  @param {string} path
 *  @param {string} mark what `ownerMark` made
 *  @returns {Promise<boolean>} */
export async function isStale(path, mark) {
  const [, host, pid] = /^(.*)-(\d+)-[0-9a-f]{12}$/.exec(mark) ?? [];
  if (host === undefined) return false;
  if (host === hostname() && !isRunning(Number(pid))) return true;
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  return age > STALE_AFTER_MS;
}
