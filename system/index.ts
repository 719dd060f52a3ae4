/** What several folders ask of the machine: digests of bytes and files, and whether a process is there. */
export { sha256File, sha256Of } from './digest.ts';
export { isRunning } from './process.ts';
