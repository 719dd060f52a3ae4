/** Paths in a configuration. They are made absolute before it is sent: the worker that reads it runs in another
 *  folder. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isBuiltIn, tableAddress } from '../../rapt/data/index.ts';

/** A table's path made absolute. The name of a built-in data set and an address with a scheme stay as they are. */
export const datasetAddress = (name: string, base = process.cwd()): string =>
  isBuiltIn(name) ? name : tableAddress(name, base);

/** A model folder's path made absolute. A name in the hub stays as it is. */
export function backboneAddress(name: string, base = process.cwd()): string {
  const folder = resolve(base, name);
  return existsSync(join(folder, 'config.json')) ? folder : name;
}

/** A table's address as it is written into a file of this folder. */
export function datasetWrittenIn(folder: string, address: string): string {
  if (!isAbsolute(address)) return address;
  const written = relative(folder, address);
  return isBuiltIn(written) ? `./${written}` : written;
}

/** As `datasetWrittenIn`, for a backbone. The path begins with a dot, since a bare word would be a name in the hub. */
export function backboneWrittenIn(folder: string, address: string): string {
  if (!isAbsolute(address)) return address;
  const written = relative(folder, address);
  return written.startsWith('..') ? written : `./${written}`;
}

/** The fields that hold a path. */
const FIELDS: readonly (readonly [path: readonly string[], absolute: (name: string, base: string) => string])[] = [
  [['data', 'train'], datasetAddress],
  [['data', 'test'], datasetAddress],
  [['audit', 'publicText'], (name, base) => resolve(base, name)],
  [['backbone'], backboneAddress],
];

/** A configuration as somebody wrote it, with the paths in it made absolute. Fields of another type stay as they are:
 *  they are refused later. */
export function withAbsolutePaths(input: Record<string, unknown>, base = process.cwd()): Record<string, unknown> {
  let absolute = input;
  for (const [path, of] of FIELDS) absolute = changed(absolute, path, (name) => of(name, base));
  return absolute;
}

function changed(
  input: Record<string, unknown>,
  [field = '', ...inside]: readonly string[],
  change: (name: string) => string,
): Record<string, unknown> {
  const value = input[field];
  if (inside.length === 0)
    return typeof value === 'string' && value !== '' ? { ...input, [field]: change(value) } : input;
  return isObject(value) ? { ...input, [field]: changed(value, inside, change) } : input;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
