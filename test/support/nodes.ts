/** Programs of the Node versions that Rapt is tested on, from npm, in a folder of the cache; made on first use: 190 MB
 *  a version. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../infra/setup/run-command.mjs';
import { inStaging } from '../../infra/setup/staging.mjs';
import { cacheFolder } from '../../rapt/cache.ts';
import { withFileLock } from '../../system/index.ts';

const FOLDER = fileURLToPath(new URL('nodes/', import.meta.url));
/** The lock file has each version's hash, which npm checks. */
const FILES = ['package.json', 'package-lock.json', '.npmrc'] as const;

const { dependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>;
};

/** Each version, such as "20.19.0", and the package that has it. */
export const NODES: readonly { readonly version: string; readonly name: string }[] = Object.entries(dependencies).map(
  ([name, pinned]) => ({ name, version: pinned.slice(pinned.lastIndexOf('@') + 1) }),
);

/** Installs the versions unless they are there. @returns the program of one. */
export async function nodeProgram(name: string): Promise<string> {
  const digest = createHash('sha256')
    .update(readFileSync(join(FOLDER, 'package-lock.json')))
    .digest('hex')
    .slice(0, 16);
  const place = join(cacheFolder(), 'nodes', digest);
  const isThere = (): boolean => existsSync(place);
  if (!isThere())
    await withFileLock(join(cacheFolder(), 'nodes.lock'), async () => {
      if (isThere()) return;
      process.stderr.write('set-up: Node versions for tests (200 MB) ...\n');
      await inStaging('nodes', async (folder) => {
        for (const file of FILES) copyFileSync(join(FOLDER, file), join(folder, file));
        await runCommand('npm', ['ci', '--no-bin-links', '--loglevel=error'], { cwd: folder });
        mkdirSync(dirname(place), { recursive: true });
        renameSync(folder, place);
      });
    });
  return join(place, 'node_modules', name, 'bin', 'node');
}
