import { copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../paths.ts';
import { inStaging, runCommand, type Say } from '../commands.ts';
import type { Component } from './component.ts';
import { TENSORFLOW_VERSION, tensorflowFolder } from './tensorflow-library.ts';

/** Wherever npm has put it: beside Rapt, where Rapt itself is somebody's dependency. */
const packageFolder = (): string => dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json'));
const installed = (): string => join(packageFolder(), 'lib', 'napi-v8', 'tfjs_binding.node');

/** Kept by all that it was built from, since `npm ci` removes what lies in node_modules. */
function cached(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as { version: string };
  return join(cacheFolder(), 'tensorflow-bindings', `${version}-tensorflow-${TENSORFLOW_VERSION}-node-${process.versions.modules}`, 'tfjs_binding.node');
}

export const tensorflowBinding: Component = {
  name: 'tensorflow-binding',
  title: "TensorFlow's binding to Node, compiled (1 minute)",
  programs: ['pip', 'c++', 'make'],
  isReady: () => existsSync(installed()) && libraryLink() === join(tensorflowFolder(), 'libtensorflow_cc.so.2'),
  place: installed,
  install: async (say) => {
    linkLibrary();
    if (!existsSync(cached())) await build(say);
    mkdirSync(dirname(installed()), { recursive: true });
    copyFileSync(cached(), `${installed()}.part`);
    renameSync(`${installed()}.part`, installed());
  },
};

const libraryFolder = (): string => join(packageFolder(), 'deps', 'lib');

function libraryLink(): string | null {
  try {
    return readlinkSync(join(libraryFolder(), 'libtensorflow.so'));
  } catch {
    return null;
  }
}

/** Puts the library where the binding looks for it. */
function linkLibrary(): void {
  rmSync(join(packageFolder(), 'deps'), { recursive: true, force: true });
  mkdirSync(libraryFolder(), { recursive: true });
  symlinkSync(join(tensorflowFolder(), 'include'), join(packageFolder(), 'deps', 'include'));
  const links = {
    'libtensorflow.so': 'libtensorflow_cc.so.2',
    'libtensorflow_cc.so.2': 'libtensorflow_cc.so.2',
    'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
    'libtensorflow_framework.so.2': 'libtensorflow_framework.so.2',
  };
  for (const [name, file] of Object.entries(links)) symlinkSync(join(tensorflowFolder(), file), join(libraryFolder(), name));
}

async function build(say: Say): Promise<void> {
  const prefix = dirname(dirname(process.execPath));
  // Node's own headers where they came with it; else node-gyp fetches them.
  const headers = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
  const program = join(dirname(createRequire(join(packageFolder(), 'package.json')).resolve('@mapbox/node-pre-gyp/package.json')), 'bin', 'node-pre-gyp');
  await runCommand(process.execPath, [program, 'rebuild', '--build-from-source', ...headers], { cwd: packageFolder(), say });
  await inStaging('tensorflow-binding', async (folder) => {
    copyFileSync(installed(), join(folder, 'tfjs_binding.node'));
    mkdirSync(dirname(dirname(cached())), { recursive: true });
    rmSync(dirname(cached()), { recursive: true, force: true });
    renameSync(folder, dirname(cached()));
    await Promise.resolve();
  });
}
