import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DEFAULT_BACKBONE, ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { SETUP_COMMAND, sha256File } from '../../system/index.ts';
import { cacheFolder } from '../cache.ts';
import { MODEL_FILE } from './weights.ts';

export interface BackboneFiles {
  /** What the user called it. */
  readonly name: string;
  /** Whether the name is known to all: that of the model hub, or of set-up. A folder's own name is its owner's. */
  readonly isPublic: boolean;
  readonly folder: string;
  /** SHA-256 of model.safetensors. */
  readonly sha256: Sha256;
}

const TOKENIZER_FILE = 'tokenizer.json';
const NEEDED_FILES = ['config.json', MODEL_FILE, TOKENIZER_FILE] as const;
const HUB_NAME = /^\w[\w.-]*\/\w[\w.-]*$/;

/** Finds a backbone by folder, by the name that set-up gave it, or by its hub name (fetched once into the cache).
 *  @throws RaptError notFound with the way out. */
export async function locateBackbone(name: string): Promise<BackboneFiles> {
  const asFolder = resolve(name);
  const cached = join(cacheFolder(), 'backbones', name.replace('/', '--'));
  const folder = [asFolder, cached].find((candidate) => existsSync(join(candidate, 'config.json')));
  if (folder) {
    const missing = NEEDED_FILES.filter((file) => !existsSync(join(folder, file)));
    if (missing.length > 0)
      throw new RaptError(ErrorKind.notFound, `backbone "${name}": ${folder} lacks ${missing.join(', ')}; a model folder needs ${NEEDED_FILES.join(', ')}`);
    // A path says something about its machine; the folder's own name is enough to name the model.
    return { name: folder === asFolder ? basename(asFolder) : name, isPublic: folder !== asFolder && (name === DEFAULT_BACKBONE || HUB_NAME.test(name)), folder, sha256: await modelDigest(folder) };
  }
  if (HUB_NAME.test(name)) return fetchFromHub(name, cached);
  throw new RaptError(
    ErrorKind.notFound,
    `backbone "${name}" is neither a folder with config.json, nor a model that \`${SETUP_COMMAND}\` provides, nor a hub name such as "sentence-transformers/all-MiniLM-L6-v2"`,
  );
}

async function fetchFromHub(name: string, folder: string): Promise<BackboneFiles> {
  const { env } = await import('@huggingface/transformers');
  mkdirSync(folder, { recursive: true });
  try {
    // config.json last: its presence says that the folder is whole.
    for (const file of [TOKENIZER_FILE, 'tokenizer_config.json', MODEL_FILE, 'config.json']) {
      const target = join(folder, file);
      if (existsSync(target)) continue;
      const address = env.remoteHost + env.remotePathTemplate.replace('{model}', name).replace('{revision}', 'main') + file;
      const response = await fetch(address, { signal: AbortSignal.timeout(30 * 60_000) });
      if (!response.ok || !response.body) throw new Error(`${file}: HTTP ${response.status}`);
      await pipeline(response.body, createWriteStream(`${target}.part`));
      renameSync(`${target}.part`, target);
    }
  } catch (cause) {
    throw new RaptError(
      ErrorKind.notFound,
      `backbone "${name}" could not be fetched from the model hub; check the name and the network, or give a local folder with ${NEEDED_FILES.join(', ')}`,
      { cause },
    );
  }
  return { name, isPublic: true, folder, sha256: await modelDigest(folder) };
}

/** Hashing a large file takes a while, so its digest is kept beside it for as long as size and time of change stay the same. */
async function modelDigest(folder: string): Promise<Sha256> {
  const path = join(folder, MODEL_FILE);
  const { size, mtimeMs } = statSync(path);
  const stamp = `${size} ${mtimeMs}`;
  const noteFile = join(folder, `.${MODEL_FILE}.sha256`);
  if (existsSync(noteFile)) {
    const [digest, noted] = readFileSync(noteFile, 'utf8').split('\n');
    if (digest && noted === stamp) return digest as Sha256;
  }
  const { sha256 } = await sha256File(path);
  try {
    writeFileSync(noteFile, `${sha256}\n${stamp}`);
  } catch {
    // A read-only model folder is hashed each time.
  }
  return sha256;
}
