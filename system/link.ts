/** Where a file that is to be written lies. */
import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** As Linux has it. */
const MOST_LINKS = 40;

/** The file that a name means: where its symbolic links lead, though nothing may be there yet. @throws as the file
 *  system does, for links that lead back to themselves. */
export function linkTarget(path: string): string {
  let target = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const next = readLink(target);
    if (next === null) return target;
    // From the real folder: ".." leads out of that, and not out of a link to it.
    target = resolve(realpathSync(dirname(target)), next);
  }
  throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP', syscall: 'readlink' });
}

/** Null for what is no link, or not there, or not to be looked at: who writes there learns why. */
function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
