import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../paths.ts';
import { downloadPackage, inStaging, unzip } from '../commands.ts';
import type { Component } from './component.ts';

export const TENSORFLOW_VERSION = '2.21.0';
const WHEEL_SHA256 = '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c';
/** The C API's library, and the headers that the binding includes, directly or not. */
const MEMBERS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/xla/',
  'tensorflow/include/tsl/',
];

export const tensorflowFolder = (): string => join(cacheFolder(), `tensorflow-${TENSORFLOW_VERSION}`);

export const tensorflowLibrary: Component = {
  name: 'tensorflow',
  title: `TensorFlow ${TENSORFLOW_VERSION} (274 MB)`,
  programs: ['pip'],
  isReady: () => existsSync(join(tensorflowFolder(), 'libtensorflow_cc.so.2')),
  place: tensorflowFolder,
  install: (say) =>
    inStaging('tensorflow', async (folder) => {
      // One wheel whatever Python is here: nothing of it is run by Python.
      const pipOptions = ['--only-binary=:all:', '--platform', 'manylinux_2_27_x86_64', '--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
      const wheel = await downloadPackage({ requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`, pipOptions, sha256: WHEEL_SHA256, folder, say });
      await unzip(wheel, folder, MEMBERS, say);
      mkdirSync(dirname(tensorflowFolder()), { recursive: true });
      renameSync(join(folder, 'tensorflow'), tensorflowFolder());
    }),
};
