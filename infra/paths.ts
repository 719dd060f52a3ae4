export { cacheFolder, homeFolder, projectRoot } from '../system/index.ts';
