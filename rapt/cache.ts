import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setting } from '../system/index.ts';

/** Where set-up keeps what is the same for every project on this machine: programs, libraries, backbones, data sets. */
export const cacheFolder = (): string => setting('RAPT_CACHE') ?? join(setting('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'rapt');

/** Numbers that follow from public things alone, made once. @param name below the cache's folder; it must tell everything that they depend on. */
export async function cachedNumbers<T extends Float32Array | Float64Array>(name: string, length: number, type: { new (bytes: ArrayBuffer): T; readonly BYTES_PER_ELEMENT: number }, make: () => Promise<T>): Promise<T> {
  const path = join(cacheFolder(), name);
  if (existsSync(path)) {
    const bytes = readFileSync(path);
    if (bytes.length === length * type.BYTES_PER_ELEMENT) return new type(Uint8Array.from(bytes).buffer);
  }
  const made = await make();
  keep(path, made);
  return made;
}

/** As `cachedNumbers`, for what is not numbers alone. */
export async function cachedJson<T>(name: string, make: () => Promise<T>): Promise<T> {
  const path = join(cacheFolder(), name);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as T;
  const made = await make();
  keep(path, JSON.stringify(made));
  return made;
}

/** A reader sees all of it or nothing. */
function keep(path: string, content: string | NodeJS.ArrayBufferView): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}.part`, content);
  renameSync(`${path}.${process.pid}.part`, path);
}
