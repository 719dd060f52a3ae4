import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../contracts/index.ts';
import { isRunning, makeFolder } from '../../system/index.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** A GPU worker's folder for downloads and for files that are not yet uploaded. Folders of attempts carry the process
 *  id of their worker, so that a later worker can tell which are left over. */
export class Scratch {
  readonly root: string;

  /** Removes what attempts of killed workers left behind. */
  constructor(root: string) {
    this.root = root;
    makeFolder(this.attempts);
    makeFolder(this.releases, 0o700);
    // Older versions, which did not keep tenants apart, left releases by their digest alone.
    for (const name of readdirSync(this.releases))
      if (DIGEST.test(name)) rmSync(join(this.releases, name), { recursive: true, force: true });
    for (const name of readdirSync(this.attempts))
      if (!isRunning(Number(name.split('-')[0]))) rmSync(join(this.attempts, name), { recursive: true, force: true });
  }

  /** Downloaded releases, kept for the next block of steps. */
  get releases(): string {
    return join(this.root, 'releases');
  }

  /** The folder of a downloaded release, made if it is missing. Its path holds the tenant, so a request that names
   *  another tenant's release finds none here. */
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
