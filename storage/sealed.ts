/** JSON that carries its own digest: for the few objects that are found by their key, so that their digest stands nowhere else. */
import { canonicalJson } from '../contracts/index.ts';
import { sha256Of } from '../system/index.ts';

export function seal(content: object): Buffer {
  return Buffer.from(canonicalJson({ ...content, sha256: sha256Of(canonicalJson(content)) }));
}

/** @throws Error when the content does not have the digest that stands in it. */
export function unseal(body: Buffer): unknown {
  const { sha256, ...content } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  if (sha256 !== sha256Of(canonicalJson(content))) throw new Error('the content does not have the digest that stands in it');
  return content;
}
