import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../contracts/index.ts';
import { isRunning, makeFolder } from '../../system/index.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** Folders of attempts carry their worker's process id, so that a later worker can tell which are left over. */
export class Scratch {
  readonly root: string;

  /** Removes what attempts of killed workers left behind. */
  constructor(root: string) {
    this.root = root;
    makeFolder(this.attempts);
    makeFolder(this.releases, 0o700);
    // As versions kept them that did not tell tenants apart.
    for (const name of readdirSync(this.releases))
      if (DIGEST.test(name)) rmSync(join(this.releases, name), { recursive: true, force: true });
    for (const name of readdirSync(this.attempts))
      if (!isRunning(Number(name.split('-')[0]))) rmSync(join(this.attempts, name), { recursive: true, force: true });
  }

  /** Downloaded releases, kept for the next block of steps. */
  get releases(): string {
    return join(this.root, 'releases');
  }

  /** The folder of a downloaded release, made if it is missing. By tenant as well: whoever names a release of another
   *  finds none here. */
  release(tenant: string, digest: Sha256): string {
    const folder = join(this.releases, tenant, digest);
    makeFolder(folder, 0o700);
    return folder;
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
