/** What several folders need of the machine. Files: digests, writing once or as a whole, whether one can be written,
 *  why one cannot be read, locks, whether a disk is full. Beside these: where Rapt's things lie, which code this is,
 *  what the environment sets, whether a process runs; and servers that answer only callers who may ask. */
export { codeVersion } from './code-version.ts';
export { sha256File, sha256Of } from './digest.mjs';
export { flushFile, readWritten, removeStaleTemporaries, writeOnce } from './durable.ts';
export { withFileLock } from './file-lock.mjs';
export { cacheFolder, homeFolder, projectRoot, RAPT_COMMAND, SETUP_COMMAND } from './paths.mjs';
export { makeFolder } from './make-folder.mjs';
export { machineMemory } from './memory.mjs';
export { isRunning } from './is-running.mjs';
export {
  isSameSecret,
  startGuardedServer,
  type Answer,
  type GuardedServerOptions,
  type Listening,
  type RunningServer,
} from './guarded-server.ts';
export { setting } from './setting.mjs';
export { freeBytes, isOutOfSpace } from './space.ts';
export { unreadable } from './unreadable.ts';
export { unwritable, writeWholeFile, type WholeFileOptions } from './whole-file.ts';
export { fileProblem, folderProblem, ownFolderProblem, type WritingOptions } from './writable.ts';
