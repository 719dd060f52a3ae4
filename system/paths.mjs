// @ts-check
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setting } from './setting.mjs';

/** Of a checkout, or of the package in somebody's node_modules. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Whether this is a package that lies inside another one. */
export const isInstalled = projectRoot.split(sep).includes('node_modules');
/** Whether this is a working copy of the repository, not a package that lies inside another one. */
export const isRepository = () => existsSync(join(projectRoot, '.git'));

/** What Rapt leaves on the machine: the local stack with its data, the client's releases, ledger and results. Not below
 *  node_modules, which `npm ci` empties: a ledger that is lost forgets what left. */
export function homeFolder() {
  return (
    setting('RAPT_HOME') ??
    (isInstalled
      ? join(setting('XDG_DATA_HOME') ?? join(homedir(), '.local', 'share'), 'rapt')
      : join(projectRoot, '.rapt'))
  );
}

/** Where set-up keeps what is the same for every project on this machine: programs, libraries, backbones, data sets. */
export const cacheFolder = () =>
  setting('RAPT_CACHE') ?? join(setting('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'rapt');

/** How the command is called where it is not on the PATH. */
export const RAPT_COMMAND = isInstalled ? 'npx rapt' : 'npm run rapt --';

/** The command that puts in place what cannot come by npm. */
export const SETUP_COMMAND = isInstalled ? 'npx rapt setup' : 'npm run setup';
