// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inStaging, put } from '../staging.mjs';
import { isSealed } from '../seals.mjs';
import { tensorflowFolder } from './tensorflow-library.mjs';

/** @import { Component } from './component.mjs' */

const SOURCE = fileURLToPath(new URL('tensorflow-log.cc', import.meta.url));
/** Beside the library, where whoever loads TensorFlow looks for it. */
const file = () => join(tensorflowFolder(), 'rapt-log-level.node');
const files = () => [{ path: file() }];

/** Without it TensorFlow works, and writes lines about the processor onto the user's terminal.
 *  @type {Component} */
export const tensorflowLog = {
  name: 'tensorflow-log',
  title: "TensorFlow's level of logging",
  after: ['tensorflow'],
  programs: ['c++'],
  fetchers: [],
  bytes: {},
  isReady: () => isSealed('tensorflow-log', files()),
  place: file,
  files,
  install: (work) =>
    inStaging('tensorflow-log', async (folder) => {
      const built = join(folder, 'rapt-log-level.node');
      await work.run('c++', ['-O1', '-shared', '-fPIC', '-o', built, SOURCE]);
      put(built, file());
    }),
};
