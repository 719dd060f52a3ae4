import type { ArtifactRef } from '../contracts/index.ts';
import type { ObjectStore } from './store.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
  '.parquet': 'application/vnd.apache.parquet',
};

export const contentTypeOf = (name: string): string | undefined => CONTENT_TYPES[/\.[a-z]+$/.exec(name)?.[0] ?? ''];

/** Stores files under one prefix, one after the other. @param files name below the prefix to path on disk.
 *  @returns a reference for each name. A failure leaves the ones before it stored; to repeat the call is safe and sends
 *  only the rest. */
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
