/** What Hugging Face's own programs have fetched on this machine, read where it lies. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderName, isCommit, type HubName } from './hub-name.ts';
import { hubCache } from './hub-settings.ts';

/** The folder of this state of a model, and its commit; null when their cache does not have it. Files may be missing in
 *  the folder. The layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache */
export function keptSnapshot(
  { model, revision }: HubName,
  env: NodeJS.ProcessEnv = process.env,
): { readonly folder: string; readonly commit: string } | null {
  const root = join(hubCache(env), `models--${folderName(model)}`);
  const named = join(root, 'refs', revision);
  const commit = isCommit(revision) ? revision : existsSync(named) ? readFileSync(named, 'utf8').trim() : '';
  const folder = join(root, 'snapshots', commit);
  return isCommit(commit) && existsSync(folder) ? { folder, commit } : null;
}
