/** Tables of one file or of several. The parts of a data set's split are read one after the other. */
import { createHash } from 'node:crypto';
import { BadInput, type Sha256 } from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';
import { checkColumns } from './columns.ts';
import { selectSplits } from './folder.ts';
import { anyFormat, type TableFormat, type TableRecord } from './formats/index.ts';
import { sourceOf } from './source.ts';

const MISSING = 'does not exist on the machine of the client worker; give the path of a table there';

export interface Located {
  readonly folder: string;
  /** The part of the address behind "#": a configuration, a split, or both. */
  readonly selection: string;
}

/** The parts of "FOLDER#split"; null for an address without "#". Whether there is such a folder is not looked at: a
 *  file may have that name. */
export function splitApart(address: string): Located | null {
  const [, folder, selection] = /^(.*)#([^#]*)$/s.exec(address) ?? [];
  return folder === undefined || selection === undefined ? null : { folder, selection };
}

/** The folder that an address means; null when it means a file. @throws BadInput when there is nothing. */
async function locateFolder(address: string): Promise<Located | null> {
  const found = await sourceOf(address).stat(address);
  if (found !== null) return found.kind === 'file' ? null : { folder: address, selection: '' };
  const apart = splitApart(address);
  if (apart !== null && (await sourceOf(apart.folder).stat(apart.folder))?.kind === 'folder') return apart;
  throw new BadInput([
    {
      where: address,
      problem: address.includes('://')
        ? "does not exist; give the address of a table, or of a data set's folder"
        : MISSING,
    },
  ]);
}

/** The files of a table, in the order of its rows. @throws BadInput when there is no such table. */
export async function partsOf(address: string): Promise<readonly string[]> {
  const located = await locateFolder(address);
  return located === null ? [address] : (await selectSplits(located.folder, located.selection)).train;
}

/** Every file from which a table of this address could be read, with those that say how: the file itself, or a folder
 *  and all files below it, whatever split is named. The address itself when there is nothing. */
export async function filesOf(address: string): Promise<readonly string[]> {
  const located = await locateFolder(address).catch((error: unknown) => {
    if (error instanceof BadInput) return null;
    throw error;
  });
  return located === null
    ? [address]
    : [...new Set([located.folder, ...(await sourceOf(located.folder).list(located.folder))])];
}

export interface TestSplits {
  /** Address of the folder's own test split; null when it has none. */
  readonly test: string | null;
  /** Addresses of the splits that can take its place if it has no labels, the likeliest first. */
  readonly instead: readonly string[];
}

/** The splits of a data set's folder that can be tested on. A file has none. @throws BadInput as `partsOf`. */
export async function testSplitsOf(address: string): Promise<TestSplits> {
  const located = await locateFolder(address);
  if (located === null) return { test: null, instead: [] };
  const { folder, selection } = located;
  const { test, insteadOfTest } = await selectSplits(folder, selection);
  return {
    test: test === null ? null : `${folder}#${test}`,
    instead: insteadOfTest.map((split) => `${folder}#${split}`),
  };
}

/** The format by which a table is read: one file, or several files one after the other.
 *  @throws BadInput when there is no such table. */
export async function formatOf(address: string): Promise<TableFormat> {
  const parts = await partsOf(address);
  return parts.length === 1 && parts[0] === address ? anyFormat : joined(parts);
}

/** The digest of a table: of the bytes of its one file, or of the digests of several files. Its version changes with
 *  the content too, and is told without reading the files. */
export async function hashTable(address: string): Promise<{ sha256: Sha256; version: string }> {
  const parts = await partsOf(address);
  const version = await versionOfParts(parts);
  const digests: Sha256[] = [];
  for (const file of parts) {
    const hash = createHash('sha256');
    for await (const chunk of sourceOf(file).read(file)) hash.update(chunk);
    digests.push(hash.digest('hex') as Sha256);
  }
  return { sha256: digests.length === 1 ? digests[0]! : sha256Of(digests.join('\n')), version };
}

/** A digest that changes with the content of whatever an address means: of a file, or of every file in a folder. Null
 *  when there is nothing. The files are not read. */
export async function contentVersion(address: string): Promise<string | null> {
  try {
    const located = await locateFolder(address);
    const parts = located === null ? [address] : await sourceOf(located.folder).list(located.folder);
    return sha256Of(await versionOfParts(parts));
  } catch (error) {
    if (error instanceof BadInput) return null;
    throw error;
  }
}

export const versionOf = async (address: string): Promise<string> => versionOfParts(await partsOf(address));

async function versionOfParts(parts: readonly string[]): Promise<string> {
  const versions: string[] = [];
  for (const file of parts) versions.push((await sourceOf(file).stat(file))?.version ?? 'gone');
  return versions.join(' ');
}

function joined(parts: readonly string[]): TableFormat {
  return {
    columns: () => anyFormat.columns(parts[0]!),
    async *records(_address, columns, report): AsyncGenerator<TableRecord> {
      let before = 0;
      for (const file of parts) {
        const missing = checkColumns(
          file,
          await anyFormat.columns(file),
          columns.map((name) => ({ name, field: 'as the first file has' })),
        );
        if (missing.length > 0) throw new BadInput(missing);
        let last = -1;
        for await (const record of anyFormat.records(file, columns, report)) {
          last = record.number;
          yield { ...record, number: before + record.number, part: { file, number: record.number } };
        }
        before += last + 1;
      }
    },
  };
}
