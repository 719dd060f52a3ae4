/** What must be set before TensorFlow's package is loaded. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { cacheFolder, setting } from '../system/index.ts';

/** TensorFlow and the libraries inside it show errors only. `TF_CPP_MIN_LOG_LEVEL` in the environment has precedence; 0
 *  shows all messages. */
const LOG_LEVEL = '2';

/** Some settings let TensorFlow, or a library inside it, compute products of single-precision numbers from fewer bits.
 *  Here each of them has the value that forbids it. The bounds on errors in rapt/privacy are those of single precision,
 *  so these values replace whatever the environment says. The libraries read them once, at their first product.
 *  rapt/privacy/products.ts checks besides that products come out right. */
export const FULL_PRECISION: Readonly<Record<string, string>> = {
  // Of oneDNN, under its two names, and of TensorFlow for oneDNN: bfloat16 on processors with AMX.
  ONEDNN_DEFAULT_FPMATH_MODE: 'STRICT',
  DNNL_DEFAULT_FPMATH_MODE: 'STRICT',
  TF_SET_ONEDNN_FPMATH_MODE: '',
  // Of TensorFlow's extensions for Intel's GPUs and for AMD's processors.
  ITEX_FP32_MATH_MODE: 'FP32',
  TF_ENABLE_ZENDNN_OPTS: '0',
  // Products of 10-bit mantissas are cuBLAS's default on NVIDIA's GPUs from Ampere on.
  NVIDIA_TF32_OVERRIDE: '0',
};

/** @param require resolves TensorFlow's package. */
export function prepareTensorflow(require: NodeJS.Require): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= LOG_LEVEL;
  chooseDevice();
  Object.assign(process.env, FULL_PRECISION);
  defineRemovedFunctions();
  loadLogLevel(dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')));
}

/** Several processes of a machine may share its GPU, so no process takes all of its memory at once, as TensorFlow would
 *  by default. */
function chooseDevice(): void {
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  if (setting('RAPT_DEVICE') === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
}

/** The package calls two functions of `util`. Node 22 warns of them, and Node 23 and later lack them. */
function defineRemovedFunctions(): void {
  const needed = {
    isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, value] of Object.entries(needed))
    Object.defineProperty(util, name, { value, configurable: true, writable: true });
}

/** Loads the file that sets the log level. Set-up puts it beside TensorFlow's library, to which the binding is a link
 *  unless somebody has copied what set-up made. Without the file TensorFlow works too, but writes lines about the
 *  processor. */
function loadLogLevel(packageFolder: string): void {
  const path = logLevelFile(packageFolder);
  // Global, so that all libraries that are loaded later see it.
  if (path !== null) process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
}

/** The file that sets the log level; null when there is no such file, or no binding. */
export function logLevelFile(packageFolder: string): string | null {
  const link = join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
  if (!existsSync(link)) return null;
  const found = [dirname(realpathSync(link)), ...libraryFolders()]
    .map((folder) => join(folder, 'rapt-log-level.node'))
    .find((file) => existsSync(file));
  return found ?? null;
}

/** Folders of the library in the cache, of any version, as the file is the same for all. With CUDA the library lies one
 *  folder below. */
function libraryFolders(): string[] {
  const cache = cacheFolder();
  if (!existsSync(cache)) return [];
  const folders = readdirSync(cache).filter((name) => /^tensorflow-\d/.test(name));
  return folders.flatMap((name) => [join(cache, name), join(cache, name, 'tensorflow')]);
}
