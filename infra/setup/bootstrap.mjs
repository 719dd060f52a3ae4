// @ts-check
/** Looks whether this machine can do it, installs the npm packages and makes all else that Rapt needs. With
 *  --packages it installs these alone, which is enough for the command where servers and workers are elsewhere; with
 *  --verify it reads all bytes of what is there. Uses nothing but Node. This file and what it imports at once are
 *  read by Nodes of any age. */
import { nodeProblem } from './node-version.mjs';

const problem = nodeProblem(process.versions.node);
if (problem === null) {
  void import('./run-set-up.mjs').then(({ main }) => main(process.argv.slice(2)));
} else {
  console.error('set-up: ' + problem);
  process.exitCode = 1;
}
