/** An append-only list of entries, each a file of its own that is written once, whole: 00000001.json, 00000002.json,
 *  ...
 *
 *  To append, a writer reads the list to its end, decides by what it read, and links its entry to the next number;
 *  link(2) fails when that exists. Then somebody else was first, and the writer reads on and decides anew. So what an
 *  entry says was true of all entries before it, without a lock that a killed process could leave behind. Each entry
 *  names the digest of the one before: one that is changed or removed later is noticed. */
import { join } from 'node:path';
import { canonicalJson, ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { makeFolder, readWritten, removeStaleTemporaries, sha256Of, writeOnce } from '../../system/index.ts';

const DIGITS = 8;
const NONE_BEFORE = '0'.repeat(64) as Sha256;

export class Journal<T extends object> {
  readonly #folder: string;
  readonly #parse: (content: unknown) => T;
  readonly #entries: T[] = [];
  #last: Sha256 = NONE_BEFORE;

  /** @param parse throws for what is no entry. */
  constructor(folder: string, parse: (content: unknown) => T) {
    this.#folder = folder;
    this.#parse = parse;
  }

  /** All entries, oldest first; those that were read before are not read again. @throws RaptError corruptArtifact for
   *  one that was changed. */
  async read(): Promise<readonly T[]> {
    for (;;) {
      const next = this.#entries.length + 1;
      const bytes = await readWritten(this.#path(next));
      if (bytes === null) return this.#entries;
      this.#take(next, bytes);
    }
  }

  /** Appends what `decide` makes of all entries before; null appends nothing. `decide` may be called several times. */
  async append(decide: (entries: readonly T[]) => Promise<T | null> | T | null): Promise<void> {
    makeFolder(this.#folder, 0o700);
    await removeStaleTemporaries(this.#folder);
    for (;;) {
      const entries = [...(await this.read())];
      const previous = this.#last;
      const entry = await decide(entries);
      if (entry === null) return;
      const bytes = Buffer.from(canonicalJson({ ...entry, previous }));
      const next = entries.length + 1;
      if (!(await writeOnce(this.#folder, this.#path(next), bytes))) continue;
      this.#take(next, bytes);
      return;
    }
  }

  /** Takes the entry of this number, unless another call on this object, made meanwhile, has taken it. */
  #take(number: number, bytes: Buffer): void {
    if (number <= this.#entries.length) return;
    try {
      const { previous, ...content } = JSON.parse(bytes.toString('utf8')) as { previous?: unknown };
      if (previous !== this.#last) throw new Error('does not follow the entry before');
      this.#entries.push(this.#parse(content));
    } catch (cause) {
      throw new RaptError(
        ErrorKind.corruptArtifact,
        `${this.#path(number)} or the entry before it was changed or damaged; restore the ledger from a backup`,
        { cause },
      );
    }
    this.#last = sha256Of(bytes);
  }

  readonly #path = (number: number): string => join(this.#folder, `${String(number).padStart(DIGITS, '0')}.json`);
}
