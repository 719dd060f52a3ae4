/** Storing several files under one prefix. */
import type { ArtifactRef } from '../contracts/index.ts';
import type { ObjectStore } from './store.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
  '.parquet': 'application/vnd.apache.parquet',
};

export const contentTypeOf = (name: string): string | undefined => CONTENT_TYPES[/\.[a-z]+$/.exec(name)?.[0] ?? ''];

/** Stores files under one prefix, one after the other. After a failure the files before it stay stored; repeating the
 *  call is safe, and sends only the rest.
 *  @param files maps each name below the prefix to a path on disk. @returns a reference for each name. */
export async function putFiles<Name extends string>(
  store: ObjectStore,
  prefix: string,
  files: Readonly<Record<Name, string>>,
): Promise<Record<Name, ArtifactRef>> {
  const refs: Partial<Record<Name, ArtifactRef>> = {};
  for (const [name, file] of Object.entries<string>(files)) {
    // Object.entries widens the names.
    refs[name as Name] = await store.put(prefix + name, { file }, { contentType: contentTypeOf(name) });
  }
  return refs as Record<Name, ArtifactRef>;
}
