/** What must stand before TensorFlow's package is loaded. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { cacheFolder, setting } from '../system/index.ts';

/** Errors alone, of TensorFlow and of the libraries inside it. `TF_CPP_MIN_LOG_LEVEL` in the environment has
 *  precedence; 0 shows all. */
const LOG_LEVEL = '2';

/** The settings of TensorFlow and of the libraries inside it that let products of single-precision numbers be computed
 *  from fewer bits, each at the value that forbids it. The bounds on errors in rapt/privacy are those of single
 *  precision, so whatever the environment says here is written over. The libraries read them once, at their first
 *  product. That products come out right is looked at besides: rapt/privacy/products.ts. */
export const FULL_PRECISION: Readonly<Record<string, string>> = {
  // oneDNN's own, by its two names, and TensorFlow's for it: bfloat16 on processors with AMX.
  ONEDNN_DEFAULT_FPMATH_MODE: 'STRICT',
  DNNL_DEFAULT_FPMATH_MODE: 'STRICT',
  TF_SET_ONEDNN_FPMATH_MODE: '',
  // The extension of TensorFlow for Intel's GPUs, and that for AMD's processors.
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

/** Several processes of one machine may use its GPU, so that none takes all of its memory at once, as TensorFlow
 *  would. */
function chooseDevice(): void {
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  if (setting('RAPT_DEVICE') === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
}

/** The package calls two functions of `util` that newer Nodes warn of (22) or have no longer (23 and later). */
function defineRemovedFunctions(): void {
  const needed = {
    isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, value] of Object.entries(needed))
    Object.defineProperty(util, name, { value, configurable: true, writable: true });
}

/** Set-up puts it beside TensorFlow's library, to which the binding is a link, unless somebody has copied what set-up
 *  made; without it TensorFlow works as well, and writes lines about the processor. */
function loadLogLevel(packageFolder: string): void {
  const path = logLevelFile(packageFolder);
  // Seen by all libraries that are loaded later.
  if (path !== null) process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
}

/** Null where there is none, or no binding either. */
export function logLevelFile(packageFolder: string): string | null {
  const link = join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
  if (!existsSync(link)) return null;
  const found = [dirname(realpathSync(link)), ...libraryFolders()]
    .map((folder) => join(folder, 'rapt-log-level.node'))
    .find((file) => existsSync(file));
  return found ?? null;
}

/** Of any version, as the file is the same for all. With CUDA the library lies one folder below. */
function libraryFolders(): string[] {
  const cache = cacheFolder();
  if (!existsSync(cache)) return [];
  const folders = readdirSync(cache).filter((name) => /^tensorflow-\d/.test(name));
  return folders.flatMap((name) => [join(cache, name), join(cache, name, 'tensorflow')]);
}
