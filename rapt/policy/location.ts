/** Whether what a request names lies where the policy says. Links are followed on both sides: a link in an allowed
 *  folder leads nowhere else. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { filesOf, isAddress, isBuiltIn, tableAddress } from '../data/index.ts';

const isFolder = (place: string): boolean => place.endsWith('/');

/** The real path of a file that may not be there yet: of the nearest folder above it that is. */
export async function realPath(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const above = dirname(whole);
    return above === whole ? whole : join(await realPath(above), basename(whole));
  }
}

const isBelow = (path: string, folder: string): boolean => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** @param place of a rule: a file, or with a slash at its end a folder or a part of a bucket. */
export const liesIn = async (name: string, place: string): Promise<boolean> => (await Place.of(place)).has(await whereIs(name));

/** A name as places are compared: of a file its real path; a built-in data set, or an address, as it is. */
export const whereIs = async (name: string): Promise<string> => (isBuiltIn(name) || isAddress(name) ? name : realPath(name));

/** Where a rule says that something may lie. */
export class Place {
  readonly #place: string;
  readonly #isFolder: boolean;

  private constructor(place: string, isFolder: boolean) {
    this.#place = place;
    this.#isFolder = isFolder;
  }

  static async of(place: string): Promise<Place> {
    return new Place(await whereIs(place), isFolder(place));
  }

  /** How narrow it is, among places that have the same file. */
  get depth(): number {
    return this.#place.split('/').filter((part) => part !== '').length;
  }

  /** @param name from `whereIs`. A key is taken as it is by the store, dots and all. */
  has(name: string): boolean {
    if (isBuiltIn(name) || isBuiltIn(this.#place) || isAddress(name) !== isAddress(this.#place)) return name === this.#place;
    if (!this.#isFolder) return name === this.#place;
    return isAddress(name) ? `${name}/`.startsWith(this.#place) : name === this.#place || isBelow(name, this.#place);
  }
}

/** All that a table of this name could be read from: itself, and of a folder, whatever split is named, every file. */
export const readFor = (table: string): Promise<readonly string[]> | readonly string[] =>
  isBuiltIn(table) ? [table] : filesOf(tableAddress(table));
