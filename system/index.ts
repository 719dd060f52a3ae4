/** What several folders ask of the machine: digests of bytes and files, files that are written once, whether a process is there, whether a
 *  disk is full, where things lie, which code this is, what the environment sets; and servers that answer only whom they should. */
export { codeVersion } from './code-version.ts';
export { sha256File, sha256Of } from './digest.ts';
export { removeStaleTemporaries, writeOnce } from './durable.ts';
export { homeFolder, isRepository, projectRoot, RAPT_COMMAND, SETUP_COMMAND } from './paths.ts';
export { isRunning } from './process.ts';
export { isSameSecret, startGuardedServer, type Answer, type GuardedServerOptions, type Listening, type RunningServer } from './server.ts';
export { setting } from './setting.ts';
export { isOutOfSpace } from './space.ts';
