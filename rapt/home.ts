/** Where a client keeps what is its own. Nothing below this folder leaves the machine but by `publish`. */
import { join } from 'node:path';
import { homeFolder, makeFolder, sha256Of } from '../system/index.ts';

/** Folder of all tenants of this machine. */
export const clientHome = (): string => join(homeFolder(), 'client');

export const tenantFolder = (home: string, tenant: string): string => join(home, tenant);
export const releaseFolder = (home: string, tenant: string, localKey: string): string =>
  join(home, tenant, 'releases', localKey);
export const runsFolder = (home: string, tenant: string): string => join(home, tenant, 'runs');

const MOST_NAME_BYTES = 255;
/** No name that is encoded holds it, so that a shortened one is nobody else's. */
const SHORTENED = '=';

/** Ids come from users: whatever is no plain name is encoded, "." and ".." too. What is too long for a folder's name
 *  then ends in the digest of all of it. */
function runFolderOf(home: string, tenant: string, run: string): string {
  const encoded = encodeURIComponent(run).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
  const digest = sha256Of(Buffer.from(run));
  const name =
    encoded.length <= MOST_NAME_BYTES
      ? encoded
      : `${encoded.slice(0, MOST_NAME_BYTES - digest.length - 1)}${SHORTENED}${digest}`;
  return join(runsFolder(home, tenant), name);
}

/** A file of a run, which may not be there. */
export const runFile = (home: string, tenant: string, run: string, name: string): string =>
  join(runFolderOf(home, tenant, run), name);
export const reportFile = (home: string, tenant: string, run: string): string =>
  runFile(home, tenant, run, 'report.html');

/** A run's own folder, made if need be. */
export function runFolder(home: string, tenant: string, run: string): string {
  const folder = runFolderOf(home, tenant, run);
  makeFolder(folder, 0o700);
  return folder;
}
