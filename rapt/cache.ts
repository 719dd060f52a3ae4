import { homedir } from 'node:os';
import { join } from 'node:path';
import { setting } from '../system/index.ts';

/** Where set-up keeps what is the same for every project on this machine: programs, libraries, backbones, data sets. */
export const cacheFolder = (): string => setting('RAPT_CACHE') ?? join(setting('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'rapt');
