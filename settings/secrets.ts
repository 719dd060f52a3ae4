/** Secrets come from the environment or from files; never from arguments, which every user of the machine can read. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BadInput } from '../contracts/index.ts';
import { makeFolder, setting, unwritable } from '../system/index.ts';

/** What the variable `name` holds, or the file that `name`_FILE names. Null when neither is set. @throws BadInput when
 *  both are set, or the file cannot be read. */
export function secret(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const value = setting(name, env);
  const path = setting(`${name}_FILE`, env);
  if (path === undefined) return value ?? null;
  if (value !== undefined)
    throw new BadInput([{ where: `${name}_FILE`, problem: `${name} is set as well; set only one of them` }]);
  return readSecretFile(path, `${name}_FILE`);
}

/** What a file holds, without blanks around it. @param where names the file's setting in messages. @throws BadInput
 *  when it cannot be read. */
export function readSecretFile(path: string, where: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new BadInput([
      { where, problem: `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` },
    ]);
  }
}

/** Writes a secret to a new file that only its owner can read, without a line break, as AWS's programs want it.
 *  @returns false when the file exists; it then stays as it is. @throws BadInput when it cannot be written. */
export function writeSecretOnce(path: string, text: string): boolean {
  const part = `${path}.${process.pid}.part`;
  try {
    makeFolder(dirname(path), 0o700);
    writeFileSync(part, text, { mode: 0o600 });
    linkSync(part, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error);
    return false;
  } finally {
    rmSync(part, { force: true });
  }
}
