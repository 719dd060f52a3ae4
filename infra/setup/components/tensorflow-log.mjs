// @ts-check
/** The file that keeps TensorFlow's messages off the user's terminal (tensorflow-log.cc). */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inStaging, put } from '../staging.mjs';
import { isSealed } from '../seals.mjs';
import { tensorflowFolder } from './tensorflow-library.mjs';

/** @import { Component } from './component.mjs' */

const SOURCE = fileURLToPath(new URL('tensorflow-log.cc', import.meta.url));
/** Lies beside the library, where whoever loads TensorFlow looks for it. */
const file = () => join(tensorflowFolder(), 'rapt-log-level.node');
const files = () => [{ path: file() }];

/** TensorFlow works without it, but then writes lines about the processor to the user's terminal.
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
