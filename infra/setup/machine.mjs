// @ts-check
/** What set-up needs to know of this machine. Looking takes milliseconds, and changes nothing. */
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { machineMemory } from '../../system/memory.mjs';
import { cacheFolder, projectRoot } from '../../system/paths.mjs';
import { ask, versionOf } from './programs.mjs';

/** @import { Program } from './programs.mjs' */

/** Places that set-up fills: the cache, the project with its node_modules, and what npm and Go keep for themselves.
 *  @typedef {'cache' | 'project' | 'npm' | 'go'} Place */

/** Room on the file system of a place.
 *  @typedef {object} Room
 *  @property {string} folder that exists, or will
 *  @property {number} device the file system's number
 *  @property {number} freeBytes */

/** @typedef {object} Machine
 *  @property {string} node version
 *  @property {string} platform as Node calls it
 *  @property {string} architecture as Node calls it
 *  @property {string | null} glibc version; null where the C library is another
 *  @property {ReadonlySet<string> | null} processor what it can do, in the kernel's words; null when that is not
 *  told
 *  @property {number} memoryBytes of the machine, or of the container where that is less
 *  @property {Readonly<Partial<Record<Program, string | null>>>} programs version of each that was looked for; null:
 *  not there
 *  @property {Readonly<Partial<Record<Place, Room>>>} rooms of the places that were asked for */

/** @param {{ programs: readonly Program[], places: readonly Place[] }} wanted what is worth a look
 *  @returns {Machine} */
export function readMachine({ programs, places }) {
  return {
    node: process.versions.node,
    platform: process.platform,
    architecture: process.arch,
    glibc: glibcVersion(),
    processor: processorFlags(),
    memoryBytes: machineMemory(),
    programs: Object.fromEntries(programs.map((program) => [program, versionOf(program)])),
    rooms: Object.fromEntries(places.map((place) => [place, roomOf(folderOf(place))])),
  };
}

/** @returns {string | null} */
function glibcVersion() {
  if (process.platform !== 'linux') return null;
  // The report would otherwise look up names of hosts on the network, which takes time.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return header.glibcVersionRuntime ?? null;
}

/** @returns {ReadonlySet<string> | null} */
function processorFlags() {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return line === null ? null : new Set((line[1] ?? '').trim().split(/\s+/));
  } catch {
    return null;
  }
}

/** @param {Place} place
 *  @returns {string} */
function folderOf(place) {
  if (place === 'cache') return cacheFolder();
  if (place === 'project') return projectRoot;
  if (place === 'npm') return process.env['npm_config_cache'] || homedir();
  return ask('go', ['env', 'GOCACHE']) || homedir();
}

/** @param {string} folder
 *  @returns {Room} */
export function roomOf(folder) {
  for (let existing = folder; ; existing = dirname(existing)) {
    try {
      const { bavail, bsize } = statfsSync(existing);
      return { folder, device: statSync(existing).dev, freeBytes: bavail * bsize };
    } catch (error) {
      if (existing === dirname(existing)) throw error;
    }
  }
}
