// @ts-check
/** On what models run, the processor or an NVIDIA GPU, and therefore which of TensorFlow's two libraries this machine
 *  gets. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setting } from '../../system/setting.mjs';
import { isAtLeast } from './programs.mjs';

/** @import { Check } from './checks.mjs' */

/** This variable decides when it is set to cpu or gpu; otherwise the machine does. */
export const DEVICE_VARIABLE = 'RAPT_DEVICE';
/** The oldest driver for all minor versions of CUDA 12, by NVIDIA's release notes. */
const LEAST_DRIVER = [525, 60, 13];
/** Room for TensorFlow with CUDA while it is installed: the packages, and what is unpacked from them. */
export const CUDA_BYTES = 9.5e9;

/** @typedef {'cpu' | 'cuda'} Library */

/** @typedef {object} DeviceFacts
 *  @property {string | undefined} setting
 *  @property {boolean} isThere whether the CUDA library is in place already
 *  @property {string | null} driver version of NVIDIA's kernel module; null when there is none
 *  @property {boolean} hasLibcuda whether the driver's own library is there for programs
 *  @property {number} freeBytes where the library would lie */

/** @typedef {object} Choice
 *  @property {Library} library
 *  @property {string} reason
 *  @property {boolean} isRemarkable whether it would surprise a user with a GPU */

/** Chooses TensorFlow's library.
 *  @param {DeviceFacts} facts
 *  @returns {Choice} */
export function chooseLibrary({ setting: named, isThere, driver, hasLibcuda, freeBytes }) {
  if (named === 'cpu') return expected(isThere ? 'cuda' : 'cpu', `${DEVICE_VARIABLE} is cpu`);
  if (isThere) return expected('cuda', 'TensorFlow with CUDA is there');
  if (named === 'gpu') return expected('cuda', `${DEVICE_VARIABLE} is gpu`);
  if (driver === null) return expected('cpu', 'no NVIDIA driver is loaded');
  const override = `${DEVICE_VARIABLE}=gpu brings the other one all the same`;
  const advice = `TensorFlow gets its library for the processor; ${override}`;
  const least = LEAST_DRIVER.join('.');
  if (!isAtLeast(driver, LEAST_DRIVER)) {
    return remarkable(`the NVIDIA driver is ${driver}, and TensorFlow's CUDA 12 needs ${least} or later. ${advice}`);
  }
  if (!hasLibcuda) {
    return remarkable(
      `the NVIDIA driver ${driver} is loaded, and its libcuda.so.1 was not found, ` +
        `as in a container without NVIDIA's runtime. ${advice}`,
    );
  }
  if (freeBytes < CUDA_BYTES) {
    const [needed, free] = [CUDA_BYTES, freeBytes].map((bytes) => (bytes / 1e9).toFixed(1));
    return remarkable(`TensorFlow with CUDA needs ${needed} GB of disk, and ${free} GB are free. ${advice}`);
  }
  return expected('cuda', `the NVIDIA driver is ${driver}`);
}

/** @param {Library} library
 *  @param {string} reason
 *  @returns {Choice} */
const expected = (library, reason) => ({ library, reason, isRemarkable: false });

/** @param {string} reason
 *  @returns {Choice} */
const remarkable = (reason) => ({ library: 'cpu', reason, isRemarkable: true });

/** @param {string | undefined} [value]
 *  @returns {Check[]} a problem when Rapt does not know the setting's value */
export function checkDeviceSetting(value = setting(DEVICE_VARIABLE)) {
  if (value === undefined || value === 'cpu' || value === 'gpu') return [];
  return [
    {
      what: DEVICE_VARIABLE,
      ok: false,
      detail: `${DEVICE_VARIABLE} is "${value}"`,
      fix: 'set it to cpu or gpu, or leave it unset',
    },
  ];
}

/** @returns {string | null} version of NVIDIA's kernel module, or of what stands for it in Windows' Linux */
export function nvidiaDriver() {
  try {
    return driverVersion(readFileSync('/proc/driver/nvidia/version', 'utf8'));
  } catch {
    return existsSync('/dev/dxg') ? (queryGpus('driver_version')[0] ?? null) : null;
  }
}

/** @param {string} text of /proc/driver/nvidia/version
 *  @returns {string | null} */
export const driverVersion = (text) => /Kernel Module(?: for \S+)?\s+(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1] ?? null;

const LIBRARY_FOLDERS = [
  '/usr/lib/wsl/lib',
  '/usr/local/nvidia/lib64',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/run/opengl-driver/lib',
];

/** @returns {boolean} */
export function hasLibcuda() {
  const folders = [
    ...(setting('LD_LIBRARY_PATH') ?? '').split(':').filter((folder) => folder !== ''),
    ...LIBRARY_FOLDERS,
  ];
  if (folders.some((folder) => existsSync(join(folder, 'libcuda.so.1')))) return true;
  const { stdout } = spawnSync('ldconfig', ['-p'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return typeof stdout === 'string' && stdout.includes('libcuda.so.1');
}

/** The device in words.
 *  @param {boolean} usesGpu as TensorFlow says
 *  @param {readonly string[]} [gpus] name and memory of each
 *  @returns {string} such as "cpu, 2 cores" */
export function deviceName(usesGpu, gpus = usesGpu ? queryGpus('name,memory.total') : []) {
  if (usesGpu)
    return gpus.length === 0
      ? 'gpu'
      : gpus.map((gpu) => gpu.replace(', ', ' with ').replace(/(\d+) MiB/, gibibytes)).join('; ');
  const cores = availableParallelism();
  return `cpu, ${cores} ${cores === 1 ? 'core' : 'cores'}`;
}

/** @param {string} _all
 *  @param {string} mebibytes */
const gibibytes = (_all, mebibytes) => `${(Number(mebibytes) / 1024).toFixed(0)} GiB`;

/** @param {string} fields
 *  @returns {string[]} one line a GPU that programs may use */
function queryGpus(fields) {
  const visible = setting('CUDA_VISIBLE_DEVICES');
  const selected = visible === undefined ? [] : [`--id=${visible}`];
  const { status, stdout } = spawnSync('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader', ...selected], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return status === 0 ? stdout.trim().split('\n') : [];
}
