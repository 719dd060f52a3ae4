/** Programs that set-up calls, and how they are had. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Program = 'pip' | 'go' | 'c++' | 'make';

const HOW_TO_INSTALL: Readonly<Record<Program, string>> = {
  pip: 'Python 3 with pip: `apt-get install python3-pip`, or python.org',
  go: 'Go 1.24 or later: go.dev/dl, or your package manager; not needed when RAPT_MINIO_BIN or `minio` on the PATH names a MinIO server',
  'c++': 'a C++ compiler: `apt-get install g++`',
  make: 'make: `apt-get install make`',
};

/** The program's file on the PATH; null when there is none. */
export function findOnPath(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Looks further.
    }
  }
  return null;
}

export function hasProgram(program: Program): boolean {
  if (program === 'pip') return spawnSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' }).status === 0;
  return findOnPath(program) !== null;
}

/** One line for each program that is not there, with the way to get it. */
export function missingPrograms(programs: readonly Program[]): string[] {
  return [...new Set(programs)].filter((program) => !hasProgram(program)).map((program) => HOW_TO_INSTALL[program]);
}
