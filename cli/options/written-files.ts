/** Options that name what a command writes: checked before anything is loaded, asked or reserved. */
import { extname, sep } from 'node:path';
import { BadInput } from '../../contracts/index.ts';
import {
  cacheFolder,
  fileProblem,
  folderProblem,
  homeFolder,
  ownFolderProblem,
  unwritable,
  type WritingOptions,
} from '../../system/index.ts';

/** @param option as the user wrote it, `--out`. @throws BadInput unless the file can be written; nothing to check when
 *  it is not given. */
export function assertFile(option: string, path: string | undefined, options: WritingOptions = {}): void {
  if (path !== undefined) refuse(option, path, fileProblem(path, options));
}

/** As `assertFile`, for a folder that is made if need be. */
export function assertFolder(option: string, path: string): void {
  refuse(option, path, folderProblem(path));
}

/** @throws BadInput unless the folders in which Rapt keeps its own things can be used. */
export function assertOwnFolders(): void {
  const problems = (['RAPT_HOME', 'RAPT_CACHE'] as const).flatMap((where) => {
    const problem = ownFolderProblem(where);
    return problem === null ? [] : [{ where, problem }];
  });
  if (problems.length > 0) throw new BadInput(problems);
}

/** What the file system refuses in Rapt's own folders later on, in words; any other error as it is. */
export function ofOwnFolders(error: unknown): unknown {
  const { path, code } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  if (path === undefined || !REFUSED.includes(code ?? '')) return error;
  const found = (
    [
      ['RAPT_HOME', homeFolder()],
      ['RAPT_CACHE', cacheFolder()],
    ] as const
  ).find(([, folder]) => path.startsWith(folder + sep));
  return found === undefined ? error : unwritable(`${found[0]}: ${path}`, error);
}

const REFUSED: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'];

/** @param endings such as `.csv`. @throws BadInput unless the name has one of them. */
export function assertEnding(option: string, path: string, endings: readonly string[]): void {
  if (!endings.includes(extname(path)))
    throw new BadInput([{ where: option, problem: `${path} must end in ${endings.join(' or ')}` }]);
}

function refuse(option: string, path: string, problem: string | null): void {
  if (problem !== null) throw new BadInput([{ where: option, problem: `${path} ${problem}` }]);
}
