/** Where a client keeps what is its own. Only `publish` sends anything below this folder to another machine. */
import { join } from 'node:path';
import { homeFolder, makeFolder, sha256Of } from '../system/index.ts';

/** The folder of all tenants of this machine. */
export const clientHome = (): string => join(homeFolder(), 'client');

export const tenantFolder = (home: string, tenant: string): string => join(home, tenant);
export const releaseFolder = (home: string, tenant: string, localKey: string): string =>
  join(home, tenant, 'releases', localKey);
export const runsFolder = (home: string, tenant: string): string => join(home, tenant, 'runs');

const MOST_NAME_BYTES = 255;
/** Encoded names never hold this character, so that a shortened name cannot be another run's. */
const SHORTENED = '=';

/** The folder of a run. Ids come from users, so every character that is not safe in a name is encoded, and so are "."
 *  and "..". A name that is then too long for a folder is cut, and ends in the digest of the whole id. */
function runFolderOf(home: string, tenant: string, run: string): string {
  const encoded = encodeURIComponent(run).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
  const digest = sha256Of(Buffer.from(run));
  const name =
    encoded.length <= MOST_NAME_BYTES
      ? encoded
      : `${encoded.slice(0, MOST_NAME_BYTES - digest.length - 1)}${SHORTENED}${digest}`;
  return join(runsFolder(home, tenant), name);
}

/** The path of a run's file, which may not exist. */
export const runFile = (home: string, tenant: string, run: string, name: string): string =>
  join(runFolderOf(home, tenant, run), name);
export const reportFile = (home: string, tenant: string, run: string): string =>
  runFile(home, tenant, run, 'report.html');

/** The folder of a run. It is made if need be. */
export function runFolder(home: string, tenant: string, run: string): string {
  const folder = runFolderOf(home, tenant, run);
  makeFolder(folder, 0o700);
  return folder;
}
