// @ts-check
/** Where Rapt lies on this machine, where it keeps its files, and how its commands are called. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setting } from './setting.mjs';

/** Root of the checkout, or of the package in somebody's node_modules. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Whether this is a package in somebody's node_modules. */
export const isInstalled = projectRoot.split(sep).includes('node_modules');
/** Whether this is a working copy of the repository. */
export const isRepository = () => existsSync(join(projectRoot, '.git'));

/** The folder for what Rapt leaves on the machine: the local stack with its data, and the client's releases, ledger and
 *  results. It does not lie below node_modules, which `npm ci` empties: a lost ledger forgets what has left. */
export function homeFolder() {
  return (
    setting('RAPT_HOME') ??
    (isInstalled
      ? join(setting('XDG_DATA_HOME') ?? join(homedir(), '.local', 'share'), 'rapt')
      : join(projectRoot, '.rapt'))
  );
}

/** The folder for what is the same for every project on this machine: programs, libraries, backbones, data sets. */
export const cacheFolder = () =>
  setting('RAPT_CACHE') ?? join(setting('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'rapt');

/** How the command `rapt` is called where it is not on the PATH. */
export const RAPT_COMMAND = isInstalled ? 'npx rapt' : 'npm run rapt --';

/** The command that sets up what npm cannot bring. */
export const SETUP_COMMAND = isInstalled ? 'npx rapt setup' : 'npm run setup';
