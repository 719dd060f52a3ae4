/** JSON that carries its own digest. It is for the few objects that are found by their key, so that their digest stands
 *  nowhere else. */
import { canonicalJson } from '../contracts/index.ts';
import { sha256Of } from '../system/index.ts';
import type { ObjectStore } from './store.ts';

/** Bytes may change on the way. An object that is still wrong after so many readings is wrong in the store. */
const MOST_READINGS = 3;

export interface Digested<T> {
  readonly content: T;
  readonly etag: string;
}

export function withDigest(content: object): Buffer {
  return Buffer.from(canonicalJson({ ...content, sha256: sha256Of(canonicalJson(content)) }));
}

/** @throws Error when the content does not have the digest that stands in it. */
function checkedContent(body: Buffer): unknown {
  const { sha256, ...content } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  if (sha256 !== sha256Of(canonicalJson(content)))
    throw new Error('the content does not have the digest that stands in it');
  return content;
}

/** Reads such an object from the store; null when there is none. @throws what `damaged` makes of the cause, when the
 *  object does not have its digest, or `parse` refuses it. */
export async function readDigested<T>(
  store: ObjectStore,
  key: string,
  parse: (content: unknown) => T,
  damaged: (cause: unknown) => Error,
): Promise<Digested<T> | null> {
  for (let reading = 1; ; reading++) {
    const stored = await store.read(key);
    if (stored === null) return null;
    try {
      return { content: parse(checkedContent(stored.body)), etag: stored.etag };
    } catch (cause) {
      if (reading === MOST_READINGS) throw damaged(cause);
    }
  }
}
