/** Where tables lie: on the disk, or where the scheme of an address leads ("s3://..."). This folder knows only the
 *  disk; a program adds the other sources. */
import { createReadStream, type BigIntStats } from 'node:fs';
import { access, constants, readdir, readlink, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BadInput } from '../../contracts/index.ts';
import { unreadable } from '../../system/index.ts';

export interface SourceStat {
  readonly kind: 'file' | 'folder';
  readonly sizeBytes: number;
  /** Changes with the content of the file, and is told without reading it. */
  readonly version: string;
}

export interface ReadRange {
  /** The first byte, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** As `stat` told it, so that all parts that are read are of the same file. */
  readonly version: string;
}

export interface TableSource {
  /** Null when there is nothing at this address. @throws BadInput when it may not be read. */
  stat(address: string): Promise<SourceStat | null>;
  /** @param range default: the whole file.
   *  @throws BadInput when the file changes while it is read, if the source can tell. */
  read(address: string, range?: ReadRange): AsyncIterable<Buffer>;
  /** The addresses of all files below a folder. */
  list(folder: string): Promise<string[]>;
}

const READ_BYTES = 1 << 18;
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

const disk: TableSource = {
  async stat(path) {
    try {
      const found = await stat(path, { bigint: true });
      const special = whatElse(found);
      if (special !== null)
        throw new BadInput([
          { where: path, problem: `is ${special}, and tables are read more than once; save it as a file` },
        ]);
      await access(path, constants.R_OK);
      const { ino, size, mtimeNs, ctimeNs } = found;
      return {
        kind: found.isDirectory() ? 'folder' : 'file',
        sizeBytes: Number(size),
        version: [ino, size, mtimeNs, ctimeNs].join('-'),
      };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(path, error);
      const target = await readlink(path).catch(() => null);
      if (target !== null)
        throw new BadInput([
          {
            where: path,
            problem: `is a link to ${target}, which is not there; fetch or write that again, or remove the link`,
          },
        ]);
      return null;
    }
  },
  async *read(path, range) {
    // The name of a file may come from a list, which does not tell pipes from files. To open a pipe would wait for a
    // writer.
    await disk.stat(path);
    try {
      yield* createReadStream(path, {
        highWaterMark: READ_BYTES,
        ...(range === undefined ? {} : { start: range.start, end: range.end - 1 }),
      }) as AsyncIterable<Buffer>;
    } catch (error) {
      throw unreadable(path, error);
    }
  },
  async list(folder) {
    try {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort();
    } catch (error) {
      throw unreadable((error as NodeJS.ErrnoException).path ?? folder, error);
    }
  },
};

/** What it is, if it is neither a file nor a folder. */
function whatElse(found: BigIntStats): string | null {
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return found.isFile() || found.isDirectory() ? null : 'a device';
}

const sources = new Map<string, TableSource>();

/** From now on, addresses with this scheme are read from this source. DuckDB and fsspec learn of other file systems in
 *  the same way. */
export function addTableSource(scheme: string, source: TableSource): void {
  sources.set(scheme, source);
}

/** @throws BadInput for a scheme that nobody has added. */
export function sourceOf(address: string): TableSource {
  const scheme = SCHEME.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined) return disk;
  const source = sources.get(scheme);
  if (source !== undefined) return source;
  const known = [...sources.keys()].map((one) => `${one}://`);
  const wayOut = known.length === 0 ? 'give a path' : `give a path, or an address with ${known.join(', ')}`;
  throw new BadInput([{ where: address, problem: `is an address of a kind that cannot be read here; ${wayOut}` }]);
}

/** Whether a name has a scheme, known or not. */
export const isAddress = (name: string): boolean => SCHEME.test(name);

/** An absolute path for a path; an address stays as it is. */
export const tableAddress = (name: string, base = process.cwd()): string =>
  isAddress(name) ? name : resolve(base, name);
