import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, makeFolder } from '../../system/index.ts';

/** Folders of attempts carry their worker's process id, so that a later worker can tell which are left over. */
export class Scratch {
  readonly root: string;

  /** Removes what attempts of killed workers left behind. */
  constructor(root: string) {
    this.root = root;
    makeFolder(this.attempts);
    makeFolder(this.releases);
    for (const name of readdirSync(this.attempts))
      if (!isRunning(Number(name.split('-')[0]))) rmSync(join(this.attempts, name), { recursive: true, force: true });
  }

  /** Downloaded releases, kept by digest for the next block of steps. */
  get releases(): string {
    return join(this.root, 'releases');
  }

  get attempts(): string {
    return join(this.root, 'attempts');
  }

  /** Gives an attempt a folder for as long as the body runs. */
  async attempt<T>(body: (folder: string) => Promise<T>): Promise<T> {
    const folder = join(this.attempts, `${process.pid}-${randomUUID()}`);
    mkdirSync(folder);
    try {
      return await body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
