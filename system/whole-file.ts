/** Files in a user's own folder, which other programs find whole or not at all. */
import { createWriteStream } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BadInput } from '../contracts/index.ts';
import { linkTarget } from './link.ts';
import { isStale, ownerMark } from './owner.mjs';
import { isOutOfSpace } from './space.ts';

export interface WholeFileOptions {
  /** Stops the writing; nothing of the file stays. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the complete file before it gets its name. When it throws, nothing stays of the file. */
  readonly beforeName?: ((temporary: string) => Promise<void>) | undefined;
}

/** Writes pieces of text into a file that only the user may read, and flushes it. The file gets its name when it is
 *  whole, and takes the place of a file of that name; where the name is a symbolic link, of the file to which it leads.
 *  Unless the process is killed, no other file stays behind; what a killed process left is removed by the next call.
 *  @throws BadInput when the file cannot be written; what the pieces throw; the signal's reason. */
export async function writeWholeFile(
  path: string,
  pieces: AsyncIterable<string>,
  { signal, beforeName }: WholeFileOptions = {},
): Promise<void> {
  const source = new Watched(pieces);
  let temporary: string | undefined;
  try {
    const target = linkTarget(path);
    temporary = `${target}.${ownerMark()}${SUFFIX}`;
    await removeLeftovers(target);
    // By `pipeline`: the first error of a stream without a listener would end the whole process.
    await pipeline(source, createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true }), {
      ...(signal && { signal }),
    });
    await source.orThrow(beforeName?.(temporary));
    await rename(temporary, target);
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    signal?.throwIfAborted();
    throw source.threw(error) ? error : unwritable(path, error);
  }
}

const SUFFIX = '.part';

/** Tells errors of whoever makes the content from errors of the file. */
class Watched {
  readonly #pieces: AsyncIterable<string>;
  #errors: unknown[] = [];

  constructor(pieces: AsyncIterable<string>) {
    this.#pieces = pieces;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    try {
      yield* this.#pieces;
    } catch (error) {
      this.#errors.push(error);
      throw error;
    }
  }

  async orThrow(done: Promise<void> | undefined): Promise<void> {
    await done?.catch((error: unknown) => {
      this.#errors.push(error);
      throw error;
    });
  }

  threw(error: unknown): boolean {
    return this.#errors.includes(error);
  }
}

async function removeLeftovers(path: string): Promise<void> {
  const start = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(start) || !name.endsWith(SUFFIX)) continue;
    const left = join(dirname(path), name);
    if (await isStale(left, name.slice(start.length, -SUFFIX.length))) await rm(left, { force: true });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is mounted for reading only',
  ENOENT: 'its folder does not exist, or takes no files',
  ENOTDIR: 'what stands before its last "/" is no folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'it is a symbolic link that leads back to itself',
};

/** Turns an error of the file system into one sentence about the file that a user named. Other errors come back as they
 *  are. */
export function unwritable(path: string, error: unknown): unknown {
  const problem = whyUnwritable(error);
  return problem === null ? error : new BadInput([{ where: path, problem }]);
}

/** Why a file cannot be written and what to do, as a sentence whose subject is the file; null when the error is not of
 *  the file system. */
export function whyUnwritable(
  error: unknown,
  wayOut = 'name a file in a folder that this user may write to',
): string | null {
  if (isOutOfSpace(error))
    return 'cannot be written, since its disk has no space left; free some, or name a file elsewhere';
  const { code, syscall } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return null;
  return `cannot be written (${code}): ${REASONS[code] ?? 'the file system refuses it'}; ${wayOut}`;
}
