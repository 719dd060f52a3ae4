import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setting } from '../system/index.ts';

export { cacheFolder } from '../rapt/cache.ts';

export const projectRoot = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** What this checkout's runs leave on the machine: the local stack with its data, and the client's releases and results. */
export const homeFolder = (): string => setting('RAPT_HOME') ?? join(projectRoot, '.rapt');
