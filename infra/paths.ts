export { cacheFolder } from '../rapt/cache.ts';
export { homeFolder, projectRoot } from '../system/index.ts';
