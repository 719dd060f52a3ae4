// @ts-check
/** The binding by which Node calls TensorFlow's library, compiled on this machine. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../../system/make-folder.mjs';
import { inStaging, put } from '../staging.mjs';
import { isSealed } from '../seals.mjs';
import { tensorflowFolder } from './tensorflow-library.mjs';

/** @import { Component } from './component.mjs' */
/** @import { Work } from '../work.mjs' */

const PACKAGE = '@tensorflow/tfjs-node-gpu';
/** The version of Node's interface for such bindings. A newer Node also has the older versions, so one binding serves
 *  all. */
const NAPI_VERSION = 8;

/** The folder of a package, wherever npm has put it: it may lie beside Rapt, where Rapt is somebody's dependency.
 *  @param {string} name */
const packageFolder = (name) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));

/** Where the package looks for its binding. */
const linked = () => join(packageFolder(PACKAGE), 'lib', `napi-v${NAPI_VERSION}`, 'tfjs_binding.node');

/** Where the binding lies: beside the library, which it finds there. */
function built() {
  const description = readFileSync(join(packageFolder(PACKAGE), 'package.json'), 'utf8');
  const { version } = /** @type {{ version: string }} */ (JSON.parse(description));
  return join(tensorflowFolder(), `tfjs_binding-${version}.node`);
}

/** Where the binding lies, or would. Before the npm packages are there, its version is not known. */
function place() {
  try {
    return built();
  } catch {
    return join(tensorflowFolder(), 'tfjs_binding.node');
  }
}

const files = () => [{ path: place() }];

/** @type {Component} */
export const tensorflowBinding = {
  name: 'tensorflow-binding',
  title: "TensorFlow's binding to Node",
  after: ['packages', 'tensorflow'],
  programs: ['c++'],
  fetchers: [],
  bytes: { cache: 0.01e9 },
  isReady: () => isSealed('tensorflow-binding', files()) && isLinked(),
  place,
  files,
  install: (work) => inStaging('tensorflow-binding', (folder) => build(folder, work)),
  link,
};

function isLinked() {
  try {
    return readlinkSync(linked()) === built();
  } catch {
    return false;
  }
}

function link() {
  if (isLinked()) return;
  const part = `${linked()}.part`;
  makeFolder(dirname(linked()));
  rmSync(part, { force: true });
  symlinkSync(built(), part);
  renameSync(part, linked());
  removeEarlierLinks();
}

/** Removes the links to the library that an earlier Rapt made in the package. */
function removeEarlierLinks() {
  const deps = join(packageFolder(PACKAGE), 'deps');
  try {
    if (lstatSync(join(deps, 'include')).isSymbolicLink()) rmSync(deps, { recursive: true });
  } catch {
    // There is none.
  }
}

/** @param {string} folder
 *  @param {Work} work */
async function build(folder, work) {
  const sources = join(packageFolder(PACKAGE), 'binding');
  const includes = [
    join(packageFolder('node-api-headers'), 'include'),
    dirname(packageFolder(PACKAGE)),
    join(tensorflowFolder(), 'include'),
  ];
  const options = [
    '-std=gnu++17',
    '-O3',
    '-fPIC',
    '-fno-exceptions',
    `-DNAPI_VERSION=${NAPI_VERSION}`,
    ...includes.map((path) => `-I${path}`),
  ];
  const names = readdirSync(sources).filter((name) => name.endsWith('.cc'));
  /** @param {string} name */
  const object = (name) => join(folder, `${name}.o`);
  for (const name of names) await work.run('c++', [...options, '-c', join(sources, name), '-o', object(name)]);
  const libraries = ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', '-Wl,-rpath,$ORIGIN'];
  const binding = join(folder, 'tfjs_binding.node');
  await work.run('c++', ['-shared', '-o', binding, ...names.map(object), `-L${tensorflowFolder()}`, ...libraries]);
  put(binding, built());
}
