// @ts-check
/** TensorFlow's library, for the processor or with CUDA. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../system/paths.mjs';
import { setting } from '../../../system/setting.mjs';
import { fetchPackage, fetchPackages, unzip } from '../pip.mjs';
import { inStaging, put } from '../staging.mjs';
import {
  checkDeviceSetting,
  chooseLibrary,
  CUDA_BYTES,
  DEVICE_VARIABLE,
  hasLibcuda,
  nvidiaDriver,
} from '../device.mjs';
import { roomOf } from '../machine.mjs';
import { isSealed } from '../seals.mjs';
import { CUDA_PACKAGES, CUDA_FILES } from './cuda-packages.mjs';

/** @import { Component } from './component.mjs' */
/** @import { Choice } from '../device.mjs' */
/** @import { SealedFile } from '../seals.mjs' */
/** @import { Work } from '../work.mjs' */

export const TENSORFLOW_VERSION = '2.21.0';
const CPU_PACKAGE = {
  requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`,
  sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  sizeBytes: 274e6,
};
const CPU_FILES = {
  'libtensorflow_cc.so.2': '6505a4b9657e62100c6bdacb683957a395cb047725042945aaa50e40a71e429e',
  'libtensorflow_framework.so.2': 'f060b323b26ef80add21b9df9428de3aeaf2843d772c5bb098745f7abff3709b',
};
/** The same package whatever Python is here: Python runs nothing of it. */
const PIP_OPTIONS = [
  '--only-binary=:all:',
  ...['manylinux_2_27_x86_64', 'manylinux2014_x86_64', 'manylinux1_x86_64'].flatMap((platform) => [
    '--platform',
    platform,
  ]),
  ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'],
];
/** The library of the C API, and the headers that the binding includes, directly or indirectly. */
const MEMBERS = [
  ...Object.keys(CPU_FILES).map((file) => `tensorflow/${file}`),
  ...['tensorflow/c/', 'tensorflow/core/platform/', 'xla/', 'tsl/'].map((folder) => `tensorflow/include/${folder}`),
];

const cpuFolder = () => join(cacheFolder(), `tensorflow-${TENSORFLOW_VERSION}`);
/** Has the layout of Python's packages: TensorFlow looks for CUDA's libraries beside its own folder. */
const cudaFolder = () => join(cacheFolder(), `tensorflow-${TENSORFLOW_VERSION}-cuda`);

/** @type {Choice | undefined} */
let choice;

/** Which library this machine has, or gets. The choice does not change while a process runs.
 *  @returns {Choice} */
export function libraryChoice() {
  if (choice !== undefined) return choice;
  const driver = nvidiaDriver();
  choice = chooseLibrary({
    setting: setting(DEVICE_VARIABLE),
    isThere: existsSync(join(cudaFolder(), 'tensorflow')),
    driver,
    hasLibcuda: driver !== null && hasLibcuda(),
    freeBytes: driver === null ? 0 : roomOf(cacheFolder()).freeBytes,
  });
  return choice;
}

const isCuda = () => libraryChoice().library === 'cuda';

/** Where the library lies, or will. */
export const tensorflowFolder = () => (isCuda() ? join(cudaFolder(), 'tensorflow') : cpuFolder());

/** The files of the library. With CUDA the packages are pinned, not each of their files.
 *  @returns {SealedFile[]} */
function files() {
  if (isCuda()) return CUDA_FILES.map((file) => ({ path: join(cudaFolder(), file) }));
  return Object.entries(CPU_FILES).map(([file, sha256]) => ({ path: join(cpuFolder(), file), sha256 }));
}

/** @type {Component} */
export const tensorflowLibrary = {
  name: 'tensorflow',
  get title() {
    return isCuda()
      ? `TensorFlow ${TENSORFLOW_VERSION} with CUDA (3.4 GB)`
      : `TensorFlow ${TENSORFLOW_VERSION} (274 MB)`;
  },
  after: [],
  programs: ['pip'],
  fetchers: ['pip'],
  get bytes() {
    return { cache: isCuda() ? CUDA_BYTES : 1.2e9 };
  },
  isReady: () => isSealed('tensorflow', files()),
  place: tensorflowFolder,
  files,
  settings: () => {
    const { reason, isRemarkable } = libraryChoice();
    const problems = checkDeviceSetting();
    return isRemarkable && problems.length === 0 ? [{ what: 'GPU', ok: true, detail: reason, fix: null }] : problems;
  },
  install: (work) => (isCuda() ? installCuda(work) : installCpu(work)),
};

/** @param {Work} work */
function installCpu(work) {
  return inStaging('tensorflow', async (folder) => {
    const wheel = await fetchPackage(CPU_PACKAGE, { pipOptions: PIP_OPTIONS, folder, work });
    await unzip(wheel, folder, MEMBERS, work);
    // One entry at a time: what was compiled beside the library stays.
    for (const entry of readdirSync(join(folder, 'tensorflow')))
      put(join(folder, 'tensorflow', entry), join(cpuFolder(), entry));
  });
}

/** @param {Work} work */
function installCuda(work) {
  return inStaging('tensorflow', async (folder) => {
    const wheels = await fetchPackages({ packages: CUDA_PACKAGES, pipOptions: PIP_OPTIONS, folder, work });
    const whole = join(folder, 'whole');
    for (const wheel of wheels) {
      await unzip(wheel, whole, [...MEMBERS, 'nvidia/'], work);
      rmSync(wheel);
    }
    put(whole, cudaFolder());
  });
}
