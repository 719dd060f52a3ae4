/** Why a file or folder that a user named cannot be read. */
import { BadInput } from '../contracts/index.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'cannot be read by the user that Rapt runs as; check its permissions',
  EPERM: 'cannot be read by the user that Rapt runs as; check its permissions',
  EISDIR: 'is a folder, and a file is needed',
  ELOOP: 'is a symbolic link that leads back to itself; give the path of the file',
  ENAMETOOLONG: 'has a name that is too long for the file system; correct it',
  ENOENT: 'is not there any more; look whether it was moved or removed',
  ENOTDIR: 'lies below a file, as if that were a folder; correct the path',
};

/** Turns an error of the file system that a user can mend into one sentence about what was read. Other errors come back
 *  as they are. */
export function unreadable(path: string, error: unknown): unknown {
  const { code, syscall } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  const problem = syscall === undefined ? undefined : REASONS[code ?? ''];
  return problem === undefined ? error : new BadInput([{ where: path, problem }]);
}
