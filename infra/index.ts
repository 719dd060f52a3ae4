/** Where things lie, what runs, and what is missing on this machine. */
export { keysFile, readKeysFile, resolveKeyring, writeKeysFile } from './codec-keys.ts';
export { namedTemporal, resolveServices, type Services } from './environment.ts';
export { cacheFolder, homeFolder, projectRoot } from './paths.ts';
export { secret } from './secrets.ts';
export { end, isAlive, startDetached } from './stack/process.ts';
export { readStack, type StackRecord, type StartedProcess } from './stack/record.ts';
export { down, stackStatus, up, type ComponentStatus, type UpOptions } from './stack/stack.ts';
export { diagnose, type Finding } from './doctor.ts';
