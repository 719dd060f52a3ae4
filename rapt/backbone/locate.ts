import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { DEFAULT_BACKBONE, DEFAULT_BACKBONE_ON_HUB, ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { SETUP_COMMAND } from '../../system/index.ts';
import { cacheFolder } from '../cache.ts';
import { strangeModelFile } from '../content.ts';
import { folderName, isOffline, keptSnapshot, parseHubName, type HubName } from '../hub/index.ts';
import { commitOf, fetchBackbone } from './from-hub.ts';
import { CONFIG_FILE, INDEX_FILE, MODEL_FILE, modelDigest, TOKENIZER_FILE, weightFilesOf } from './model-files.ts';
import { whatIsMissing } from './unusable-model.ts';

export interface BackboneFiles {
  /** What the user called it. */
  readonly name: string;
  /** Whether everybody knows the name: it comes from the model hub, or from set-up. A folder's own name is private to
   *  its owner. */
  readonly isPublic: boolean;
  readonly folder: string;
  /** SHA-256 of model.safetensors, or of what stands for shards (`modelDigest`). */
  readonly sha256: Sha256;
  /** The commit of the hub's model; null for a model that did not come from there. */
  readonly commit: string | null;
}

/** Finds a backbone by folder, by the name that set-up gave it, or by its hub name, with or without "@revision"
 *  (fetched once into the cache).
 *  @throws RaptError notFound, or badInput when something else stands in a file's place, each with the way out; a fetch
 *  also throws unavailable, accessDenied and noSpace. */
export async function locateBackbone(name: string): Promise<BackboneFiles> {
  const asFolder = resolve(name);
  const onHub = parseHubName(name);
  if (existsSync(join(asFolder, CONFIG_FILE)))
    // A path says something about its machine; the folder's own name is enough to name the model.
    return {
      name: basename(asFolder),
      isPublic: false,
      folder: asFolder,
      sha256: await digestOfWhole(name, asFolder),
      commit: null,
    };
  const cached = join(cacheFolder(), 'backbones', folderName(name));
  const isCached = existsSync(join(cached, CONFIG_FILE));
  if (!isCached && name === DEFAULT_BACKBONE)
    throw new RaptError(
      ErrorKind.notFound,
      `backbone "${name}" is not on this machine yet; run \`${SETUP_COMMAND}\`, which fetches it`,
    );
  if (onHub === null && !isCached)
    throw new RaptError(
      ErrorKind.notFound,
      `backbone "${name}" is neither a folder with config.json, ` +
        `nor ${DEFAULT_BACKBONE}, which \`${SETUP_COMMAND}\` provides, ` +
        'nor a hub name such as "sentence-transformers/all-MiniLM-L6-v2"',
    );
  const { folder, commit } =
    isCached || onHub === null
      ? { folder: cached, commit: commitOf(cached) }
      : (keptByOthers(onHub) ?? fromSetup(name) ?? (await fetched(name, onHub, cached)));
  return {
    name,
    isPublic: onHub !== null || name === DEFAULT_BACKBONE,
    folder,
    sha256: await digestOfWhole(name, folder),
    commit,
  };
}

interface Found {
  readonly folder: string;
  readonly commit: string | null;
}

/** The model as Hugging Face's own programs keep it on this machine; null unless all of it is there. */
function keptByOthers(onHub: HubName): Found | null {
  const kept = keptSnapshot(onHub);
  if (kept === null) return null;
  const has = (file: string): boolean => existsSync(join(kept.folder, file));
  const isWhole = whatIsMissing(has, kept.folder) === null && weightFilesOf(kept.folder)!.every(has);
  return isWhole ? kept : null;
}

/** The default model under its name on the hub: set-up has it under another name, with the same weights. */
function fromSetup(name: string): Found | null {
  const folder = join(cacheFolder(), 'backbones', DEFAULT_BACKBONE);
  return name === DEFAULT_BACKBONE_ON_HUB && existsSync(join(folder, CONFIG_FILE)) ? { folder, commit: null } : null;
}

async function fetched(name: string, onHub: HubName, folder: string): Promise<Found> {
  if (isOffline())
    throw new RaptError(
      ErrorKind.notFound,
      `backbone "${name}" is not on this machine, and HF_HUB_OFFLINE forbids to fetch it; ` +
        'unset that, or give a local folder',
    );
  try {
    return { folder, commit: await fetchBackbone(onHub, folder) };
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    throw new RaptError(error.kind, `backbone "${name}": ${error.message}`, { cause: error });
  }
}

/** The digest of a folder's weights. @throws RaptError notFound when a file is missing; badInput when something else
 *  stands in a file's place. */
async function digestOfWhole(name: string, folder: string): Promise<Sha256> {
  const refuse = (kind: ErrorKind, problem: string): RaptError => new RaptError(kind, `backbone "${name}": ${problem}`);
  const has = (file: string): boolean => existsSync(join(folder, file));
  const missing = whatIsMissing(has, folder);
  if (missing !== null) throw refuse(ErrorKind.notFound, `${folder} ${missing}`);
  const metadata = has(MODEL_FILE) ? [CONFIG_FILE, TOKENIZER_FILE] : [CONFIG_FILE, TOKENIZER_FILE, INDEX_FILE];
  const refuseStrange = (file: string): void => {
    const strange = strangeModelFile(join(folder, file));
    if (strange !== null) throw refuse(ErrorKind.badInput, `${join(folder, file)} ${strange}`);
  };
  metadata.forEach(refuseStrange);
  const weights = weightFilesOf(folder)!;
  const shards = weights.filter((file) => !has(file));
  if (shards.length > 0)
    throw refuse(
      ErrorKind.notFound,
      `${folder} lacks ${shards.join(', ')}, which ${INDEX_FILE} lists; fetch all shards`,
    );
  weights.forEach(refuseStrange);
  return modelDigest(folder, weights);
}
