// @ts-check
/** Whether what was fetched or built is still what it was. When a part is made, the digests of its files are compared
 *  with the pinned ones, and stored with the files' sizes and times. Each start compares sizes and times, which takes
 *  no time; `brokenFiles` reads all bytes. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { makeFolder } from '../../system/make-folder.mjs';
import { cacheFolder } from '../../system/paths.mjs';
import { sha256File } from '../../system/digest.mjs';

/** @typedef {object} SealedFile
 *  @property {string} path in the cache
 *  @property {string} [sha256] pinned, where everybody gets the same bytes */

/** @typedef {{ sizeBytes: number, mtimeS: number, sha256: string }} Entry */

/** @param {string} name
 *  @param {readonly SealedFile[]} files
 *  @returns {boolean} whether all are there, as large and as old as they were when they were sealed */
export function isSealed(name, files) {
  const seal = readSeal(name);
  return files.every((file) => {
    const entry = seal[keyOf(file)];
    if (entry === undefined || (file.sha256 !== undefined && entry.sha256 !== file.sha256)) return false;
    const found = look(file.path);
    return found !== null && found.sizeBytes === entry.sizeBytes && found.mtimeS === entry.mtimeS;
  });
}

/** Reads all bytes.
 *  @param {string} name
 *  @param {readonly SealedFile[]} files
 *  @returns {Promise<string[]>} the files that are not what was pinned, or sealed; also those that were never sealed */
export async function brokenFiles(name, files) {
  const seal = readSeal(name);
  const broken = await Promise.all(
    files.map(async (file) => {
      const expected = file.sha256 ?? seal[keyOf(file)]?.sha256;
      if (expected === undefined || look(file.path) === null) return true;
      return String((await sha256File(file.path)).sha256) !== expected;
    }),
  );
  return files.filter((_, index) => broken[index]).map(({ path }) => path);
}

/** @param {string} name
 *  @param {readonly SealedFile[]} files that were just made
 *  @throws Error naming a file whose bytes are not the pinned ones */
export async function seal(name, files) {
  /** @type {Record<string, Entry>} */
  const entries = {};
  for (const file of files) {
    const { sha256, sizeBytes } = await sha256File(file.path);
    if (file.sha256 !== undefined && String(sha256) !== file.sha256) {
      throw new Error(`${file.path} has SHA-256 ${sha256} instead of the pinned ${file.sha256}; it was not used`);
    }
    entries[keyOf(file)] = { sizeBytes, mtimeS: look(file.path)?.mtimeS ?? 0, sha256 };
  }
  const path = sealFile(name);
  makeFolder(dirname(path));
  writeFileSync(`${path}.part`, JSON.stringify(entries, null, 2));
  renameSync(`${path}.part`, path);
}

/** @param {string} name */
const sealFile = (name) => join(cacheFolder(), 'seals', `${name}.json`);

/** @param {SealedFile} file */
const keyOf = ({ path }) => relative(cacheFolder(), path);

/** @param {string} name
 *  @returns {Record<string, Entry | undefined>} */
function readSeal(name) {
  try {
    return /** @type {Record<string, Entry | undefined>} */ (JSON.parse(readFileSync(sealFile(name), 'utf8')));
  } catch {
    return {};
  }
}

/** Size and time of a file; null when it is not there. The time is in whole seconds, as archives and images keep it.
 *  @param {string} path
 *  @returns {{ sizeBytes: number, mtimeS: number } | null} */
function look(path) {
  try {
    const { size, mtimeMs } = statSync(path);
    return { sizeBytes: size, mtimeS: Math.floor(mtimeMs / 1000) };
  } catch {
    return null;
  }
}
