/** The folders in which Rapt keeps its own things: RAPT_HOME and RAPT_CACHE. */
import { sep } from 'node:path';
import { BadInput } from '../contracts/index.ts';
import { cacheFolder, homeFolder, ownFolderProblem, unwritable } from '../system/index.ts';

const REFUSED: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'];

/** @throws BadInput unless both can be used. */
export function assertOwnFolders(): void {
  const problems = (['RAPT_HOME', 'RAPT_CACHE'] as const).flatMap((where) => {
    const problem = ownFolderProblem(where);
    return problem === null ? [] : [{ where, problem }];
  });
  if (problems.length > 0) throw new BadInput(problems);
}

/** An error of the file system in one of these folders is put in words for the user. Any other error stays as it is. */
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
