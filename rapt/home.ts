/** Where a client keeps what is its own. Nothing below this folder leaves the machine but by `publish`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { homeFolder } from '../system/index.ts';

/** Folder of all tenants of this machine. */
export const clientHome = (): string => join(homeFolder(), 'client');

export const tenantFolder = (home: string, tenant: string): string => join(home, tenant);
export const releaseFolder = (home: string, tenant: string, localKey: string): string => join(home, tenant, 'releases', localKey);
export const runsFolder = (home: string, tenant: string): string => join(home, tenant, 'runs');

/** Ids come from users: whatever is no plain name is encoded, "." and ".." too. */
const runFolderOf = (home: string, tenant: string, run: string): string =>
  join(runsFolder(home, tenant), encodeURIComponent(run).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length)));

/** A file of a run, which may not be there. */
export const runFile = (home: string, tenant: string, run: string, name: string): string => join(runFolderOf(home, tenant, run), name);
export const reportFile = (home: string, tenant: string, run: string): string => runFile(home, tenant, run, 'report.html');

/** A run's own folder, made if need be. */
export function runFolder(home: string, tenant: string, run: string): string {
  const folder = runFolderOf(home, tenant, run);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
