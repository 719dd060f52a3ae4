/** The workflow code in the form in which Temporal runs it: one file, made by webpack, and kept until its sources
 *  change. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode, type BundleOptions, type Logger } from '@temporalio/worker';
import { failureConverterPath } from '../codec/index.ts';
import { cacheFolder, makeFolder, projectRoot } from '../system/index.ts';

/** The only folders of the project from which workflow code may import. */
const SOURCE_FOLDERS = ['contracts', 'workflows'];
/** The only packages from which workflow code may import, and the one that makes the bundle. */
const PACKAGES = ['@temporalio/common', '@temporalio/worker', '@temporalio/workflow', 'zod'];
const KEPT_BUNDLES = 4;
type WebpackConfiguration = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];

/** What a bundle is made of. A bundle that replays histories must be made of the same. */
export const bundledWorkflows = {
  workflowsPath: join(projectRoot, 'workflows', 'index.ts'),
  workflowInterceptorModules: [join(projectRoot, 'workflows', 'interceptors.ts')],
  failureConverterPath,
  webpackConfigHook,
};

/** The bundle of these sources. Bundling takes seconds, so the bundle is kept for the next start of a worker.
 *  @returns the bundle's file, in the cache under the digest of its sources. */
export async function workflowBundle(logger: Logger): Promise<{ codePath: string; digest: string }> {
  const folder = join(cacheFolder(), 'workflow-bundles');
  const digest = await sourcesDigest();
  const codePath = join(folder, `${digest}.js`);
  if (existsSync(codePath)) return { codePath, digest };
  const { code } = await bundleWorkflowCode({ ...bundledWorkflows, logger });
  makeFolder(folder);
  // A reader sees the whole file or none.
  const temporary = `${codePath}.${process.pid}`;
  await writeFile(temporary, code);
  await rename(temporary, codePath);
  await removeOldBundles(folder);
  return { codePath, digest };
}

/** Has TypeScript of Rapt's own folders compiled wherever they lie. The SDK compiles none below any node_modules, where
 *  the sources are when Rapt is somebody's dependency. */
function webpackConfigHook(config: WebpackConfiguration): WebpackConfiguration {
  const own = SOURCE_FOLDERS.map((folder) => join(projectRoot, folder));
  const rules = config.module?.rules?.map((rule) => {
    if (typeof rule !== 'object' || rule === null || !(rule.test instanceof RegExp) || !rule.test.test('.ts'))
      return rule;
    const { exclude: _, ...everywhere } = rule;
    return { ...everywhere, include: own };
  });
  return { ...config, module: { ...config.module, ...(rules && { rules }) } };
}

async function sourcesDigest(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of SOURCE_FOLDERS) {
    const files = await readdir(join(projectRoot, folder), { recursive: true });
    for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
      const text = await readFile(join(projectRoot, folder, file));
      hash.update(`${folder}/${file} ${text.length}\n`).update(text);
    }
  }
  const require = createRequire(import.meta.url);
  for (const name of PACKAGES)
    hash.update(`${name} ${(require(`${name}/package.json`) as { version: string }).version}\n`);
  hash.update(await readFile(failureConverterPath));
  return hash.digest('hex').slice(0, 32);
}

/** Removes all but the newest bundles. Several stay: a developer moves between branches, and another version may be
 *  running. */
async function removeOldBundles(folder: string): Promise<void> {
  const bundles = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const aged = await Promise.all(
    bundles.map(async (name) => ({ name, changedMs: (await stat(join(folder, name))).mtimeMs })),
  );
  for (const { name } of aged.sort((a, b) => b.changedMs - a.changedMs).slice(KEPT_BUNDLES))
    await rm(join(folder, name), { force: true });
}
