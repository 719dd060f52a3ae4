/** The files of a model folder that hold its weights, one or several shards listed by an index; and the digest that
 *  stands for all of them. */
import { existsSync, lstatSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { makeFolder, sha256File, sha256Of } from '../../system/index.ts';
import { cacheFolder } from '../cache.ts';
import type { Work } from '../turns.ts';
import { SafetensorsFile, type FloatTensor, type TensorHeader } from '../safetensors.ts';

export const CONFIG_FILE = 'config.json';
export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
export const MODEL_FILE = 'model.safetensors';
/** Lists the shards of a model whose weights are cut into several files. */
export const INDEX_FILE = 'model.safetensors.index.json';

/** Tensors by their names, read when asked for. */
export interface Tensors {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** Null when there is no such tensor. */
  header(name: string): TensorHeader | null;
  /** As float32. @throws RaptError notFound, badInput for a dtype that cannot be read, corruptArtifact. */
  read(name: string): FloatTensor;
  /** The same in stretches, so that other work gets its turns. */
  reading(name: string): Work<FloatTensor>;
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^\w[\w.-]*\.safetensors$/)) });

/** Names of the shards that an index lists, in order. @param where names the index. @throws RaptError badInput when it
 *  is no such index. */
export function shardsOf(index: string, where: string): string[] {
  let shards: string[] = [];
  try {
    shards = [...new Set(Object.values(indexSchema.parse(JSON.parse(index)).weight_map))].sort();
  } catch {
    // An index without shards is refused below.
  }
  if (shards.length > 0) return shards;
  throw new RaptError(
    ErrorKind.badInput,
    `${where} lists no shards: it must name for each tensor, in "weight_map", the .safetensors file that holds it`,
  );
}

/** Names of a folder's files of weights; null when there are none. A single file counts before shards, as in
 *  `transformers`.
 *  @throws RaptError badInput for an index that cannot be read. */
export function weightFilesOf(folder: string): readonly string[] | null {
  if (existsSync(join(folder, MODEL_FILE))) return [MODEL_FILE];
  const index = join(folder, INDEX_FILE);
  return existsSync(index) ? shardsOf(readFileSync(index, 'utf8'), index) : null;
}

/** A folder's tensors, wherever they lie. @throws RaptError as `SafetensorsFile`; badInput for a tensor that two shards
 *  hold. */
export function openTensors(folder: string): Tensors {
  const [first, ...others] = (weightFilesOf(folder) ?? [MODEL_FILE]).map(
    (file) => new SafetensorsFile(join(folder, file)),
  );
  if (others.length === 0) return first!;
  const places = new Map<string, SafetensorsFile>();
  for (const file of [first!, ...others])
    for (const name of file.names) {
      // The index says which one counts, and the digest does not cover it.
      if (places.has(name))
        throw new RaptError(
          ErrorKind.badInput,
          `${file.path} and another shard both hold the tensor ${name}; save the model again`,
        );
      places.set(name, file);
    }
  const fileOf = (name: string): SafetensorsFile => {
    const file = places.get(name);
    if (file === undefined) throw new RaptError(ErrorKind.notFound, `no shard in ${folder} has a tensor ${name}`);
    return file;
  };
  return {
    names: [...places.keys()],
    has: (name) => places.has(name),
    header: (name) => places.get(name)?.header(name) ?? null,
    read: (name) => fileOf(name).read(name),
    reading: (name) => fileOf(name).reading(name),
  };
}

/** What tells a model from others: the SHA-256 of a single file; for shards, the SHA-256 of what `sha256sum` prints of
 *  them in the order of their names. @param files of weights, as `weightFilesOf` names them. */
export async function modelDigest(folder: string, files: readonly string[]): Promise<Sha256> {
  const digests: Sha256[] = [];
  for (const file of files) digests.push(await notedDigest(folder, file));
  return digests.length === 1
    ? digests[0]!
    : sha256Of(digests.map((digest, at) => `${digest}  ${files[at]!}\n`).join(''));
}

/** Hashing a large file takes a while, so its digest is kept for as long as size and time of change stay the same. */
async function notedDigest(folder: string, file: string): Promise<Sha256> {
  const path = join(folder, file);
  const { size, mtimeMs } = statSync(path);
  const stamp = `${size} ${mtimeMs}`;
  const noteFile = noteFor(folder, file);
  if (existsSync(noteFile)) {
    const [digest, noted] = readFileSync(noteFile, 'utf8').split('\n');
    if (digest && noted === stamp) return digest as Sha256;
  }
  const { sha256 } = await sha256File(path);
  try {
    makeFolder(dirname(noteFile));
    writeFileSync(noteFile, `${sha256}\n${stamp}`);
  } catch {
    // A read-only model folder is hashed each time.
  }
  return sha256;
}

/** The note lies beside its file. Hugging Face's own cache is made of links, and its folders belong to other programs:
 *  the note of a link lies in Rapt's cache. */
function noteFor(folder: string, file: string): string {
  const path = join(folder, file);
  return lstatSync(path).isSymbolicLink()
    ? join(cacheFolder(), 'digests', sha256Of(realpathSync(path)).slice(0, 32))
    : join(folder, `.${file}.sha256`);
}
