/** Whether what a request names lies where the policy says. Links are followed on both sides: a link in an allowed
 *  folder leads nowhere else. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { filesOf, isAddress, isBuiltIn, tableAddress } from '../data/index.ts';

/** The real path of a file that may not be there yet: of the nearest folder above it that is. */
async function realPath(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const above = dirname(whole);
    return above === whole ? whole : join(await realPath(above), basename(whole));
  }
}

export const liesIn = async (name: string, place: string): Promise<boolean> =>
  (await Place.of(place)).has(await whereIs(name));

/** A name in the form in which places are compared: a file's real path; a built-in data set or an address as it is. */
export const whereIs = async (name: string): Promise<string> =>
  isBuiltIn(name) || isAddress(name) ? name : realPath(name);

/** Where a rule says that something may lie: there, or below it. */
export class Place {
  readonly #place: string;

  private constructor(place: string) {
    this.#place = place;
  }

  static async of(place: string): Promise<Place> {
    return new Place((await whereIs(place)).replace(/\/+$/, ''));
  }

  /** How narrow it is, among places that have the same file. */
  get depth(): number {
    return this.#place.split('/').length;
  }

  /** @param name from `whereIs`. A key is taken as it is by the store, dots and all. */
  has(name: string): boolean {
    return `${name.replace(/\/+$/, '')}/`.startsWith(`${this.#place}/`);
  }
}

/** All that a table of this name could be read from: itself, and of a folder, whatever split is named, every file. */
export const readFor = (table: string): Promise<readonly string[]> | readonly string[] =>
  isBuiltIn(table) ? [table] : filesOf(tableAddress(table));
