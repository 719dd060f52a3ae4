import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where set-up keeps what is the same for every project on this machine: programs, libraries, backbones, data sets. */
export const cacheFolder = (): string => process.env['RAPT_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'rapt');
