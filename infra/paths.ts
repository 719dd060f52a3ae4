import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export { cacheFolder } from '../rapt/cache.ts';

export const projectRoot = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** What this checkout's runs leave on the machine: the local stack with its data, and the client's releases and results. */
export const homeFolder = (): string => process.env['RAPT_HOME'] ?? join(projectRoot, '.rapt');
