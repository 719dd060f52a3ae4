/** Brings one file from the hub to the disk. It goes on where an interrupted fetch stopped, and the file gets its name
 *  once its bytes are right. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { flushFile } from '../../system/index.ts';
import type { Hub, HubFile } from './hub.ts';
import type { HubName } from './hub-name.ts';

export interface Fetching {
  readonly hub: Hub;
  readonly name: HubName;
  readonly file: HubFile;
  readonly target: string;
  /** Called with the number of bytes that came now. */
  readonly onBytes: (bytes: number) => void;
}

export const partOf = (target: string): string => `${target}.part`;
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** @throws RaptError as `explainHub`; corruptArtifact when the bytes are not those that the hub promised, twice. */
export async function download(fetching: Fetching): Promise<void> {
  const { file, target } = fetching;
  if (existsSync(target)) return;
  const part = partOf(target);
  for (let begun = 1; ; begun++) {
    await fetchRest(fetching, part);
    const wrong = await whatIsWrong(part, file);
    if (wrong === null) break;
    // What an interrupted fetch left may be damaged, so that a second one begins anew.
    await rm(part, { force: true });
    if (begun === 2)
      throw new RaptError(
        ErrorKind.corruptArtifact,
        `${file.path} ${wrong}, though it was fetched twice; does a proxy or a mirror change it?`,
      );
  }
  await flushFile(part);
  await rename(part, target);
}

function fetchRest({ hub, name, file, onBytes }: Fetching, part: string): Promise<void> {
  return hub.persist(
    name,
    async () => {
      const have = sizeOf(part);
      if (file.sizeBytes !== null && have === file.sizeBytes) return;
      const rest = file.sizeBytes !== null && have < file.sizeBytes ? have : 0;
      const { from, body } = await hub.read({ ...name, commit: file.commit }, file.path, rest);
      const handle = await open(part, from > 0 ? 'a' : 'w');
      try {
        for await (const chunk of body) {
          await handle.writeFile(chunk);
          onBytes(chunk.length);
        }
      } finally {
        await handle.close();
      }
      // A mirror may end an answer early without a word.
      if (file.sizeBytes !== null && sizeOf(part) < file.sizeBytes)
        throw Object.assign(new Error('the answer ended early'), { code: 'HUB_CUT' });
    },
    () => sizeOf(part),
  );
}

/** What is wrong with a file; null when its bytes are those that the hub has. */
async function whatIsWrong(path: string, { sizeBytes, digest }: HubFile): Promise<string | null> {
  const size = sizeOf(path);
  if (sizeBytes !== null && size !== sizeBytes) return `has ${size} bytes instead of ${sizeBytes}`;
  if (digest === null) return null;
  const hash = createHash(digest.kind === 'git' ? 'sha1' : 'sha256');
  // Git's digest of a file covers its length.
  if (digest.kind === 'git') hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)
    hash.update(chunk);
  const found = hash.digest('hex');
  return found === digest.hex
    ? null
    : `does not have the digest that the hub names (${found} instead of ${digest.hex})`;
}
