/** JSON that carries its own digest: for the few objects that are found by their key, so that their digest stands
 *  nowhere else. */
import { canonicalJson } from '../contracts/index.ts';
import { sha256Of } from '../system/index.ts';
import type { ObjectStore } from './store.ts';

/** Bytes may change on the way; what is still wrong after so many readings is wrong in the store. */
const MOST_READINGS = 3;

export interface Sealed<T> {
  readonly content: T;
  readonly etag: string;
}

export function seal(content: object): Buffer {
  return Buffer.from(canonicalJson({ ...content, sha256: sha256Of(canonicalJson(content)) }));
}

/** @throws Error when the content does not have the digest that stands in it. */
export function unseal(body: Buffer): unknown {
  const { sha256, ...content } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  if (sha256 !== sha256Of(canonicalJson(content)))
    throw new Error('the content does not have the digest that stands in it');
  return content;
}

/** A sealed object, or null when there is none. @throws what `damaged` makes of the cause, when the object is not what
 *  was sealed. */
export async function readSealed<T>(
  store: ObjectStore,
  key: string,
  parse: (content: unknown) => T,
  damaged: (cause: unknown) => Error,
): Promise<Sealed<T> | null> {
  for (let reading = 1; ; reading++) {
    const stored = await store.read(key);
    if (stored === null) return null;
    try {
      return { content: parse(unseal(stored.body)), etag: stored.etag };
    } catch (cause) {
      if (reading === MOST_READINGS) throw damaged(cause);
    }
  }
}
