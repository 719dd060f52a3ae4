/** What several folders ask of the machine: digests of bytes and files, files that are written once or as a whole or
 *  can be, locks, whether a process is there, whether a disk is full, why a file cannot be read, where things lie,
 *  which code this is, what the environment sets; and servers that answer only whom they should. */
export { codeVersion } from './code-version.ts';
export { sha256File, sha256Of } from './digest.mjs';
export { flushFile, readWritten, removeStaleTemporaries, writeOnce } from './durable.ts';
export { withFileLock } from './file-lock.mjs';
export {
  cacheFolder,
  homeFolder,
  isInstalled,
  isRepository,
  projectRoot,
  RAPT_COMMAND,
  SETUP_COMMAND,
} from './paths.mjs';
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
