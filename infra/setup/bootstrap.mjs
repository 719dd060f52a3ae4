// @ts-check
/** Sets Rapt up: checks the machine, installs the npm packages, and makes everything else that Rapt needs. With
 *  --packages it only installs the packages, which is enough for the command where servers and workers are elsewhere.
 *  With --verify it also reads all bytes of what is there. It uses nothing but Node. Any Node, also an old one, must be
 *  able to read this file and its static imports. */
import { nodeProblem } from './node-version.mjs';

const problem = nodeProblem(process.versions.node);
if (problem === null) {
  void import('./run-set-up.mjs').then(({ main }) => main(process.argv.slice(2)));
} else {
  console.error('set-up: ' + problem);
  process.exitCode = 1;
}
