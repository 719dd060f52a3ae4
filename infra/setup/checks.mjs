// @ts-check
/** What a machine must have, and what of it this machine lacks. These functions only compute, so that a user learns of
 *  a lack in the first second, before anything is fetched. */
import { LEAST_GO, isAtLeast } from './programs.mjs';
import { nodeProblem } from './node-version.mjs';

/** @import { Machine, Place, Room } from './machine.mjs' */
/** @import { Program } from './programs.mjs' */

/** @typedef {object} Check
 *  @property {string} what
 *  @property {boolean} ok
 *  @property {string} detail what was found, or what is wrong
 *  @property {string | null} fix what to do; null when nothing need be done */

/** What the parts that are missing need together.
 *  @typedef {object} Needs
 *  @property {boolean} isHost whether models or servers are to run here, not the command alone
 *  @property {readonly Program[]} programs
 *  @property {Readonly<Partial<Record<Place, number>>>} bytes at the most, while they are made */

/** TensorFlow's library is built for systems with this glibc or a later one. */
const LEAST_GLIBC = [2, 27];
/** The default run with its servers and workers takes 3.2 GB; a machine sold with 4 GB shows somewhat less. */
const LEAST_MEMORY_BYTES = 3.6e9;

const CONTAINER = 'use a Linux machine with an x86-64 processor, or a container on one';
/** @type {Readonly<Record<string, string>>} */
const SYSTEMS = {
  darwin: 'macOS',
  win32: 'Windows',
  freebsd: 'FreeBSD',
  openbsd: 'OpenBSD',
  sunos: 'SunOS',
  aix: 'AIX',
  android: 'Android',
};
/** @type {Readonly<Record<string, string>>} */
const ARCHITECTURES = { arm64: 'a 64-bit ARM processor', arm: 'an ARM processor', ia32: 'a 32-bit processor' };

/** @type {Readonly<Record<Program, { name: string, fix: string }>>} */
const PROGRAMS = {
  npm: { name: 'npm', fix: 'install it, which comes with Node or as a package of its own: apt-get install npm' },
  pip: { name: 'Python 3 with pip', fix: 'apt-get install python3-pip' },
  go: {
    name: 'Go',
    fix:
      `install Go ${LEAST_GO.join('.')} or later by your package manager or from go.dev/dl, ` +
      'or set RAPT_MINIO_BIN to a MinIO server',
  },
  'c++': { name: 'a C++ compiler', fix: 'apt-get install g++' },
};

/** All checks, the most important first.
 *  @param {Machine} machine
 *  @param {Needs} needs
 *  @returns {Check[]} */
export function checkMachine(machine, needs) {
  const base = [checkNode(machine), ...(needs.isHost ? [checkSystem(machine)] : [])];
  // On another system nothing else matters.
  if (base.some(({ ok }) => !ok)) return base;
  const places = /** @type {Place[]} */ (Object.keys(needs.bytes));
  return [
    ...base,
    ...(needs.isHost ? [checkLibrary(machine), checkProcessor(machine), checkMemory(machine)] : []),
    ...[...new Set(needs.programs)].map((program) => checkProgram(program, machine.programs[program] ?? null)),
    ...checkRooms(
      places.map((place) => ({ needed: needs.bytes[place] ?? 0, room: /** @type {Room} */ (machine.rooms[place]) })),
    ),
  ];
}

/** One sentence for each problem, with what to do about it.
 *  @param {readonly Check[]} checks
 *  @returns {string[]} */
export const problemsOf = (checks) => checks.filter(({ ok }) => !ok).map(sentence);

/** @param {Check} check */
export const sentence = ({ detail, fix }) => (fix === null ? detail : `${detail}; ${fix}`);

/** @param {Machine} machine
 *  @returns {Check} */
function checkNode({ node }) {
  const problem = nodeProblem(node);
  return problem === null ? fine('Node', `v${node}`) : bad('Node', problem, null);
}

/** @param {Machine} machine
 *  @returns {Check} */
function checkSystem({ platform, architecture }) {
  if (platform !== 'linux')
    return bad(
      'system',
      `Rapt runs on Linux, and this is ${SYSTEMS[platform] ?? platform}; none of it works here`,
      CONTAINER,
    );
  if (architecture === 'x64') return fine('system', 'Linux on x86-64');
  const found = ARCHITECTURES[architecture] ?? `a processor of the kind ${architecture}`;
  return bad(
    'system',
    `Rapt needs an x86-64 processor, for which TensorFlow's library is built, and this machine has ${found}`,
    CONTAINER,
  );
}

/** @param {Machine} machine
 *  @returns {Check} */
function checkLibrary({ glibc }) {
  const least = LEAST_GLIBC.join('.');
  if (glibc === null) {
    const detail =
      `Rapt needs glibc ${least} or later, for which TensorFlow's library is built, ` +
      'and this system has another C library, such as musl';
    return bad(
      'C library',
      detail,
      'use Debian, Ubuntu, Fedora or another system with glibc; of the images named node:*, one without "alpine"',
    );
  }
  if (isAtLeast(glibc, LEAST_GLIBC)) return fine('C library', `glibc ${glibc}`);
  return bad(
    'C library',
    `Rapt needs glibc ${least} or later, and this system has ${glibc}`,
    'upgrade the system, or use a container with a newer one',
  );
}

/** @param {Machine} machine
 *  @returns {Check} */
function checkProcessor({ processor }) {
  if (processor === null) return fine('processor', 'not told by this system');
  if (processor.has('avx')) {
    const newest = processor.has('avx512f') ? 'AVX-512' : processor.has('avx2') ? 'AVX2' : 'AVX';
    return fine('processor', `has ${newest}`);
  }
  const detail =
    "this processor has no AVX instructions, with which TensorFlow's library is built " +
    'and without which it ends at once';
  return bad(
    'processor',
    detail,
    'use a processor of 2011 or later, or let the virtual machine show them to its guest (CPU type "host")',
  );
}

/** @param {Machine} machine
 *  @returns {Check} */
function checkMemory({ memoryBytes }) {
  if (memoryBytes >= LEAST_MEMORY_BYTES) return fine('memory', `${gigabytes(memoryBytes)} GB`);
  return bad(
    'memory',
    `Rapt needs 4 GB of memory, and this machine or container has ${gigabytes(memoryBytes)} GB`,
    'give it more, or take a larger one',
  );
}

/** @param {Program} program
 *  @param {string | null} version
 *  @returns {Check} */
function checkProgram(program, version) {
  const { name, fix } = PROGRAMS[program];
  const what = `program ${program}`;
  if (version === null) return bad(what, `${name} is needed and was not found`, fix);
  if (program === 'go' && !isAtLeast(version, LEAST_GO))
    return bad(what, `Go ${LEAST_GO.join('.')} or later is needed to build MinIO, and this is ${version}`, fix);
  return fine(what, version);
}

/** One check for each file system: places on the same one share its room.
 *  @param {readonly { needed: number, room: Room }[]} demands
 *  @returns {Check[]} */
function checkRooms(demands) {
  const devices = [...new Set(demands.map(({ room }) => room.device))];
  return devices.map((device) => {
    const here = demands.filter(({ room }) => room.device === device);
    const needed = here.reduce((sum, demand) => sum + demand.needed, 0);
    const freeBytes = Math.min(...here.map(({ room }) => room.freeBytes));
    const folders = [...new Set(here.map(({ room }) => room.folder))].join(' and ');
    const what = `room for ${folders}`;
    if (freeBytes >= needed) return fine(what, `${gigabytes(freeBytes)} GB free`);
    const detail =
      `${gigabytes(needed)} GB are needed in the file system of ${folders}, ` +
      `and ${gigabytes(freeBytes)} GB are free`;
    return bad(what, detail, 'free some, or set RAPT_CACHE to a folder where there is more');
  });
}

/** @param {number} bytes */
const gigabytes = (bytes) => (bytes / 1e9).toFixed(1);

/** @param {string} what
 *  @param {string} detail
 *  @returns {Check} */
const fine = (what, detail) => ({ what, ok: true, detail, fix: null });

/** @param {string} what
 *  @param {string} detail
 *  @param {string | null} fix
 *  @returns {Check} */
const bad = (what, detail, fix) => ({ what, ok: false, detail, fix });
