/** Options that name a file or folder that the command writes. They are checked before anything is loaded, asked or
 *  reserved. */
import { extname } from 'node:path';
import { BadInput } from '../../contracts/index.ts';
import { fileProblem, folderProblem, type WritingOptions } from '../../system/index.ts';

/** @param option as the user wrote it, `--out`. @param path undefined when the option is not given: then there is
 *  nothing to check. @throws BadInput unless the file can be written. */
export function assertFile(option: string, path: string | undefined, options: WritingOptions = {}): void {
  if (path !== undefined) refuse(option, path, fileProblem(path, options));
}

/** As `assertFile`, for a folder, which is made if need be. */
export function assertFolder(option: string, path: string): void {
  refuse(option, path, folderProblem(path));
}

/** @param endings such as `.csv`. @throws BadInput unless the name has one of them. */
export function assertEnding(option: string, path: string, endings: readonly string[]): void {
  if (!endings.includes(extname(path)))
    throw new BadInput([{ where: option, problem: `${path} must end in ${endings.join(' or ')}` }]);
}

function refuse(option: string, path: string, problem: string | null): void {
  if (problem !== null) throw new BadInput([{ where: option, problem: `${path} ${problem}` }]);
}
