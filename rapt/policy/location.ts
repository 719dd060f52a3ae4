/** Whether what a request names lies where the policy says. Links are followed on both sides: a link in an allowed
 *  folder leads nowhere else. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { isAddress, isBuiltIn, sourceOf } from '../data/index.ts';

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
export async function liesIn(name: string, place: string): Promise<boolean> {
  if (isBuiltIn(name) || isBuiltIn(place)) return name === place;
  if (isAddress(name) || isAddress(place)) {
    // A key is taken as it is by the store, dots and all.
    return isFolder(place) ? name.startsWith(place) : name === place;
  }
  const [path, allowed] = [await realPath(name), await realPath(place)];
  return isFolder(place) ? isBelow(path, allowed) || path === allowed : path === allowed;
}

/** As `liesIn`, of a table: with every file of one that is a folder. */
export async function tableLiesIn(name: string, place: string): Promise<boolean> {
  if (!(await liesIn(name, place))) return false;
  if (isBuiltIn(name) || isAddress(name)) return true;
  const source = sourceOf(name);
  const found = await source.stat(resolve(name)).catch(() => null);
  if (found?.kind !== 'folder') return true;
  const folder = isFolder(place) ? place : `${place}/`;
  for (const file of await source.list(resolve(name))) if (!(await liesIn(file, folder))) return false;
  return true;
}
