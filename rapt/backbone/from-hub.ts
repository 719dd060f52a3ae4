/** A backbone from the model hub. A model that cannot be used is refused before its weights are fetched, and a folder
 *  gets its name when it is whole. */
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { makeFolder, withFileLock } from '../../system/index.ts';
import { download, Hub, partOf, sizeOf, tell, type HubFile, type HubName } from '../hub/index.ts';
import { parseBackboneConfig } from './backbone-config.ts';
import { CONFIG_FILE, INDEX_FILE, MODEL_FILE, shardsOf, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './model-files.ts';
import { TELLING_FILES, whatIsMissing } from './unusable-model.ts';

/** Lies beside the files and says which state of which model they are. */
const RECORD_FILE = 'rapt-hub.json';
const PROGRESS_MS = 10_000;

/** The commit at which a folder of the cache was fetched; null when it did not come from the hub, or was fetched by an
 *  older version of Rapt. */
export function commitOf(folder: string): string | null {
  try {
    const { commit } = JSON.parse(readFileSync(join(folder, RECORD_FILE), 'utf8')) as { commit?: unknown };
    return typeof commit === 'string' ? commit : null;
  } catch {
    return null;
  }
}

/** Fetches a model into this folder, unless another process has just done so. An interrupted fetch is continued.
 *  @returns the commit. @throws RaptError with the reason. */
export async function fetchBackbone(asked: HubName, folder: string): Promise<string | null> {
  const lock = join(dirname(folder), `.${basename(folder)}.lock`);
  const hub = new Hub();
  const body = async (): Promise<string | null> =>
    existsSync(join(folder, CONFIG_FILE)) ? commitOf(folder) : fetchInto(hub, asked, folder);
  try {
    return await withFileLock(lock, body, () => tell(`waits for another fetch of ${asked.model} on this machine`));
  } catch (error) {
    throw hub.explain(error, asked);
  } finally {
    await hub.close();
  }
}

async function fetchInto(hub: Hub, asked: HubName, folder: string): Promise<string | null> {
  const { text, file } = await hub.text(asked, CONFIG_FILE);
  parseBackboneConfig(text, `${CONFIG_FILE} of ${asked.model}`);
  const { commit } = file;
  // From here on one state of the model is read, even if its branch or tag moves meanwhile.
  const name = commit === null ? asked : { ...asked, revision: commit };
  const files = await filesOf(hub, name);
  const staging = stagingFor(folder, commit ?? asked.revision);
  assertSpace(files, staging);
  await fetchAll(hub, name, files, staging);
  writeFileSync(join(staging, CONFIG_FILE), text);
  writeFileSync(
    join(staging, RECORD_FILE),
    JSON.stringify({ model: asked.model, revision: asked.revision, commit, hub: hub.host, files }, null, 2),
  );
  await rename(staging, folder);
  return commit;
}

/** All files that are needed beside config.json. @throws RaptError notFound with what is missing. */
async function filesOf(hub: Hub, name: HubName): Promise<HubFile[]> {
  const [tokenizer, tokenizerConfig, model] = await Promise.all(
    [TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, MODEL_FILE].map((file) => hub.look(name, file)),
  );
  const index = model === null ? await hub.look(name, INDEX_FILE) : null;
  if (!tokenizer || (!model && index === null)) throw await incomplete(hub, name, [tokenizer, model, index]);
  const shards =
    index === null ? [] : shardsOf((await hub.text(name, INDEX_FILE)).text, `${INDEX_FILE} of ${name.model}`);
  const found = await Promise.all(shards.map((shard) => hub.look(name, shard)));
  const missing = shards.filter((_, at) => found[at] === null);
  if (missing.length > 0)
    throw new RaptError(ErrorKind.notFound, `${hub.host} lacks ${missing.join(', ')}, which its ${INDEX_FILE} lists`);
  return [tokenizer, tokenizerConfig, model, index, ...found].filter((file) => file !== null && file !== undefined);
}

async function incomplete(hub: Hub, name: HubName, known: readonly (HubFile | null | undefined)[]): Promise<RaptError> {
  const others = await Promise.all(TELLING_FILES.map((file) => hub.look(name, file)));
  const there = new Set([CONFIG_FILE, ...[...known, ...others].flatMap((file) => (file ? [file.path] : []))]);
  return new RaptError(
    ErrorKind.notFound,
    `${hub.host} ${whatIsMissing((file) => there.has(file), name.model) ?? 'lacks files'}`,
  );
}

/** The folder in which this state of the model is gathered. Half-done fetches of other states, and those of older
 *  versions of Rapt, are removed. */
function stagingFor(folder: string, state: string): string {
  const parent = dirname(folder);
  const start = `.${basename(folder)}@`;
  const staging = join(parent, `${start}${state.replaceAll('/', '--')}.part`);
  for (const name of readdirSync(parent))
    if (name.startsWith(start) && join(parent, name) !== staging) rmSync(join(parent, name), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  makeFolder(staging);
  return staging;
}

/** Bytes that are still to be fetched. */
function restOf(files: readonly HubFile[], staging: string): number {
  return files.reduce((sum, { path, sizeBytes }) => {
    const target = join(staging, path);
    return sum + (existsSync(target) ? 0 : Math.max(0, (sizeBytes ?? 0) - sizeOf(partOf(target))));
  }, 0);
}

/** @throws RaptError noSpace before anything large is fetched. */
function assertSpace(files: readonly HubFile[], staging: string): void {
  const { bavail, bsize } = statfsSync(staging);
  const [needed, free] = [restOf(files, staging), bavail * bsize];
  if (needed > free)
    throw new RaptError(
      ErrorKind.noSpace,
      `it takes ${megabytes(needed)} in ${dirname(staging)}, where ${megabytes(free)} are free; ` +
        'free some, or put the cache elsewhere (RAPT_CACHE)',
    );
}

async function fetchAll(hub: Hub, name: HubName, files: readonly HubFile[], staging: string): Promise<void> {
  const needed = restOf(files, staging);
  tell(`fetches ${name.model} (${name.revision.slice(0, 12)}) from ${hub.host}: ${megabytes(needed)}`);
  let [got, toldMs] = [0, Date.now()];
  const onBytes = (bytes: number): void => {
    got += bytes;
    if (Date.now() - toldMs < PROGRESS_MS) return;
    toldMs = Date.now();
    tell(`${name.model}: ${megabytes(got)} of ${megabytes(needed)}`);
  };
  for (const file of files) await download({ hub, name, file, target: join(staging, file.path), onBytes });
}

const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${Math.round(bytes / 1e6)} MB`;
