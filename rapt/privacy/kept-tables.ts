/** Keeps the tables that a sampler made on disk, for the attempts after this one.
 *
 *  A table depends on public things and on a token's id. But WHICH ids have a table tells which tokens stand in the
 *  texts. So a folder of tables is as private as the texts: only its owner can read it, and it lies where plain texts
 *  may lie, never where the provider sees it. Its owner removes it when the work is done for which it was made. */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { freeBytes, makeFolder } from '../../system/index.ts';
import type { Work } from '../turns.ts';

/** The files of a folder have at most so many bytes. Tables beyond that are not kept. */
const MOST_BYTES = 4 * 2 ** 30;
/** They take at most this share of the disk space that would be free without them, so that there is room for the work
 *  itself. */
const MOST_SHARE = 0.1;
const ENDING = '.tables';
/** Before each table stand its token's id, and a digest of name, id and table. */
const ID_BYTES = 4;
const DIGEST_BYTES = 32;

interface Place {
  readonly file: number;
  readonly at: number;
}

/** Each process writes a file of its own, and reads the files that were there when it began. */
export class KeptTables {
  readonly #name: string;
  readonly #path: string;
  readonly #numbers: number;
  readonly #freeBytes: (folder: string) => number;
  readonly #places = new Map<number, Place>();
  readonly #files: number[] = [];
  #own: number | null = null;
  #end = 0;
  #bytes = 0;

  private constructor(folder: string, name: string, numbers: number, free: (folder: string) => number) {
    this.#name = name;
    this.#numbers = numbers;
    this.#freeBytes = free;
    this.#path = join(folder, `${nameDigest(name)}-${randomBytes(6).toString('hex')}${ENDING}`);
  }

  /** @param folder is made if need be.
   *  @param name tells everything that a table depends on besides its token.
   *  @param numbers how many numbers each table has.
   *  @param free how many bytes a folder's disk has left. */
  static *open(
    folder: string,
    name: string,
    numbers: number,
    free: (folder: string) => number = freeBytes,
  ): Work<KeptTables> {
    makeFolder(folder, 0o700);
    const tables = new KeptTables(folder, name, numbers, free);
    try {
      for (const file of readdirSync(folder).sort())
        if (file.startsWith(`${nameDigest(name)}-`) && file.endsWith(ENDING)) yield* tables.#index(join(folder, file));
    } catch (error) {
      tables.close();
      throw error;
    }
    return tables;
  }

  /** The table of a token; null when there is none, or it is damaged. */
  read(id: number): Float32Array | null {
    const place = this.#places.get(id);
    if (place === undefined) return null;
    const record = Buffer.alloc(this.#recordBytes);
    if (readSync(place.file, record, 0, record.length, place.at) < record.length) return null;
    const bytes = record.subarray(ID_BYTES + DIGEST_BYTES);
    if (!this.#digestOf(id, bytes).equals(record.subarray(ID_BYTES, ID_BYTES + DIGEST_BYTES))) return null;
    return new Float32Array(Uint8Array.from(bytes).buffer);
  }

  /** Keeps tables. If there is no room they are left out without an error, since they can be made again. */
  append(ids: Int32Array, tables: readonly Float32Array[]): void {
    if (this.#bytes + ids.length * this.#recordBytes > this.#mostBytes()) return;
    const records = Buffer.alloc(ids.length * this.#recordBytes);
    for (const [row, id] of ids.entries()) {
      const bytes = Buffer.from(tables[row]!.buffer, tables[row]!.byteOffset, tables[row]!.byteLength);
      const at = row * this.#recordBytes;
      records.writeInt32LE(id, at);
      this.#digestOf(id, bytes).copy(records, at + ID_BYTES);
      bytes.copy(records, at + ID_BYTES + DIGEST_BYTES);
    }
    try {
      const file = this.#ownFile();
      for (let done = 0; done < records.length;)
        done += writeSync(file, records, done, records.length - done, this.#end + done);
      for (const [row, id] of ids.entries()) this.#places.set(id, { file, at: this.#end + row * this.#recordBytes });
    } catch {
      this.#bytes = MOST_BYTES;
      return;
    }
    this.#end += records.length;
    this.#bytes += records.length;
  }

  #mostBytes(): number {
    return Math.min(MOST_BYTES, MOST_SHARE * (this.#bytes + this.#freeBytes(dirname(this.#path))));
  }

  close(): void {
    for (const file of this.#files.splice(0)) closeSync(file);
    this.#places.clear();
    this.#own = null;
  }

  get #recordBytes(): number {
    return ID_BYTES + DIGEST_BYTES + 4 * this.#numbers;
  }

  /** Finds the tables of a file. If another process is writing it, its last table may be cut short, and is left out. */
  *#index(path: string): Work<void> {
    const file = openSync(path, 'r');
    this.#files.push(file);
    const { size } = fstatSync(file);
    const id = Buffer.alloc(ID_BYTES);
    for (let at = 0; at + this.#recordBytes <= size; at += this.#recordBytes) {
      readSync(file, id, 0, ID_BYTES, at);
      this.#places.set(id.readInt32LE(), { file, at });
      yield;
    }
    this.#bytes += size;
  }

  #ownFile(): number {
    if (this.#own === null) {
      this.#own = openSync(this.#path, 'wx+', 0o600);
      this.#files.push(this.#own);
    }
    return this.#own;
  }

  #digestOf(id: number, bytes: Uint8Array): Buffer {
    return createHash('sha256').update(`${this.#name} ${id} `).update(bytes).digest();
  }
}

const nameDigest = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16);

/** Gives back at once the space that a folder of tables takes on its disk, even while the tables are read: a process
 *  that misses one makes it again. @returns whether there were any tables. */
export function dropKeptTables(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const files = readdirSync(folder).filter((file) => file.endsWith(ENDING));
  for (const file of files) {
    truncateSync(join(folder, file));
    rmSync(join(folder, file), { force: true });
  }
  return files.length > 0;
}
