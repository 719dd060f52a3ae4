/** Resolves the symbolic links of a file to be written. */
import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The limit of Linux. */
const MOST_LINKS = 40;

/** The file to which a name leads by its symbolic links; nothing need be there yet. @throws as the file system does,
 *  for links that lead back to themselves. */
export function linkTarget(path: string): string {
  let target = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const next = readLink(target);
    if (next === null) return target;
    // From the real folder: ".." leads out of it, and not out of a link to it.
    target = resolve(realpathSync(dirname(target)), next);
  }
  throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP', syscall: 'readlink' });
}

/** Where a link leads; null for what is no link, is not there, or cannot be looked at. Whoever writes there learns the
 *  reason. */
function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
