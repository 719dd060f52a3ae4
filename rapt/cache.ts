/** Keeps results that depend on public things alone and take long to make, so that a machine makes them once. A
 *  guarantee may be told by these numbers. So each file holds a digest of its content, and a file that a power cut or
 *  the disk has changed is made again. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder, makeFolder, sha256Of, withFileLock } from '../system/index.ts';

export { cacheFolder };

const DIGEST_BYTES = 32;

/** The kept numbers of this name, or those that `make` gives, which are then kept.
 *  @param name below the cache's folder. It must tell everything that the numbers depend on. */
export async function cachedNumbers<T extends Numbers>(
  name: string,
  length: number,
  type: NumbersType<T>,
  make: () => Promise<T>,
): Promise<T> {
  const kept = keptNumbers(name, length, type);
  if (kept !== null) return kept;
  const made = await make();
  keepNumbers(name, made);
  return made;
}

type Numbers = Float32Array | Float64Array;
interface NumbersType<T> {
  new (bytes: ArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** The numbers that were kept last; null when there are none of this length. */
export function keptNumbers<T extends Numbers>(name: string, length: number, type: NumbersType<T>): T | null {
  const content = kept(join(cacheFolder(), name));
  return content?.length === length * type.BYTES_PER_ELEMENT ? new type(Uint8Array.from(content).buffer) : null;
}

export function keepNumbers(name: string, { buffer, byteOffset, byteLength }: Numbers): void {
  keep(join(cacheFolder(), name), new Uint8Array(buffer, byteOffset, byteLength));
}

/** As `cachedNumbers`, for values of other kinds that take minutes: one of several processes makes the value, and the
 *  others wait for it. */
export async function cachedJson<T>(name: string, make: () => Promise<T>): Promise<T> {
  const path = join(cacheFolder(), name);
  const found = (): T | null => {
    const content = kept(path);
    return content === null ? null : (JSON.parse(content.toString()) as T);
  };
  return found() ?? withFileLock(`${path}.lock`, async () => found() ?? keepJson(path, await make()));
}

function keepJson<T>(path: string, made: T): T {
  keep(path, Buffer.from(JSON.stringify(made)));
  return made;
}

/** The content of a file without its digest; null when there is no file, or the content is not what was kept. */
function kept(path: string): Buffer | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const content = bytes.subarray(0, -DIGEST_BYTES);
  return sha256Of(content) === bytes.subarray(-DIGEST_BYTES).toString('hex') ? content : null;
}

/** Writes a file. A reader sees either all of it or nothing, even after a power cut. */
function keep(path: string, content: Uint8Array): void {
  makeFolder(dirname(path));
  const part = `${path}.${process.pid}.part`;
  const bytes = Buffer.concat([content, Buffer.from(sha256Of(content), 'hex')]);
  const file = openSync(part, 'w');
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}
