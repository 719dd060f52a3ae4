/** Whether what a user named can be written, found out before the work that fills it. */
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
  /** Whether its writer makes folders that are missing. */
  readonly makesFolders?: boolean | undefined;
  /** Whether its writer puts the bytes into a file that is there, instead of another file in its place. */
  readonly inPlace?: boolean | undefined;
}

/** Why a file cannot be written there, as a sentence about it; null when it can. Nothing is left behind, and nothing of
 *  it is changed. */
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

/** Why no files can be written into a folder of this name, which is made if need be; null when they can. */
export function folderProblem(path: string): string | null {
  return problemOf(() => tryFileIn(folderOf(join(path, 'file'), true)));
}

/** Why Rapt's own folder of this name cannot be one; null when it can. A full disk is no reason, as it can be mended
 *  while something waits for it. */
export function ownFolderProblem(variable: 'RAPT_HOME' | 'RAPT_CACHE'): string | null {
  const folder = resolve(variable === 'RAPT_HOME' ? homeFolder() : cacheFolder());
  const attempt = (): void => {
    try {
      // What others have filled may be there to be read alone.
      if (variable === 'RAPT_CACHE' && existsSync(folder)) accessSync(`${folder}/.`, constants.R_OK | constants.X_OK);
      else tryFolderIn(folderOf(join(folder, 'file'), true));
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
    }
  };
  const problem = problemOf(attempt, `set ${variable} to a folder that this user may write to`);
  return problem === null ? null : `${folder} ${problem}`;
}

/** The folder in which something is made: the file's own, or the nearest above it that is there. */
function folderOf(path: string, makesFolders: boolean): string {
  let folder = dirname(resolve(path));
  while (makesFolders && !existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** File systems refuse for more reasons than their permissions tell, so a file is made and removed. */
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
