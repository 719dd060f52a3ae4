/** Whether a file or folder that a user named can be written. This is found out before the work that fills it. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { linkTarget } from './link.ts';
import { ownerMark } from './owner.mjs';
import { cacheFolder, homeFolder } from './paths.mjs';
import { isOutOfSpace } from './space.ts';
import { whyUnwritable } from './whole-file.ts';

export interface WritingOptions {
  /** Whether the file's writer makes folders that are missing. */
  readonly makesFolders?: boolean | undefined;
  /** Whether the file's writer fills a file that is there, instead of putting another in its place. */
  readonly inPlace?: boolean | undefined;
}

/** Why a file cannot be written, as a sentence whose subject is the file; null when it can. A file that is there is not
 *  changed, and nothing is left behind. */
export function fileProblem(
  path: string,
  { makesFolders = false, inPlace = false }: WritingOptions = {},
): string | null {
  return problemOf(() => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) throw fileError('EISDIR');
    if (found !== undefined) accessSync(path, constants.W_OK);
    if (found === undefined || !inPlace) tryFileIn(folderOf(linkTarget(path), makesFolders));
  });
}

/** Why no files can be written into a folder of this name, which will be made if it is missing; null when they can. */
export function folderProblem(path: string): string | null {
  return problemOf(() => tryFileIn(folderOf(join(path, 'file'), true)));
}

/** Why one of Rapt's own folders cannot be used; null when it can. A full disk does not count: a process may wait until
 *  there is space again. */
export function ownFolderProblem(variable: 'RAPT_HOME' | 'RAPT_CACHE'): string | null {
  const folder = resolve(variable === 'RAPT_HOME' ? homeFolder() : cacheFolder());
  const attempt = (): void => {
    try {
      // A cache that others have filled may allow reading only.
      if (variable === 'RAPT_CACHE' && existsSync(folder)) accessSync(`${folder}/.`, constants.R_OK | constants.X_OK);
      else tryFolderIn(folderOf(join(folder, 'file'), true));
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
    }
  };
  const problem = problemOf(attempt, `set ${variable} to a folder that this user may write to`);
  return problem === null ? null : `${folder} ${problem}`;
}

/** The folder in which something will be made: the file's own or, where folders are made, the nearest one above it that
 *  exists. */
function folderOf(path: string, makesFolders: boolean): string {
  let folder = dirname(resolve(path));
  while (makesFolders && !existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Makes and removes a file: file systems refuse for more reasons than permissions tell. */
function tryFileIn(folder: string): void {
  const probe = join(folder, `.${ownerMark()}.part`);
  try {
    closeSync(openSync(probe, 'wx', 0o600));
  } finally {
    rmSync(probe, { force: true });
  }
}

function tryFolderIn(folder: string): void {
  const probe = join(folder, `.${ownerMark()}.part`);
  mkdirSync(probe, 0o700);
  try {
    tryFileIn(probe);
  } finally {
    rmdirSync(probe);
  }
}

function problemOf(attempt: () => void, wayOut?: string): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    const why = whyUnwritable(error, wayOut);
    if (why === null) throw error;
    return why;
  }
}

const fileError = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'open' });
