// @ts-check
/** On which versions of Node Rapt runs. Any Node must be able to read this file, so it is written in old JavaScript. */

const TESTED = '20.19, 22, 24 and 26';

/** The least minor version of each major one that has such a bound, as `engines` in package.json says. Odd versions
 *  before 23 are not supported.
 *  @type {Readonly<Record<number, number>>} */
const LEAST_MINOR = { 20: 19, 22: 12 };

/** @param {string} version such as 20.19.0
 *  @returns {string | null} why Rapt does not run on it, with the way out; null when it does. */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const least = LEAST_MINOR[major];
  if (major > 22 || (least !== undefined && minor >= least)) return null;
  const problem = 'Rapt needs Node 20.19 or later, or 22.12 or later, and this is ' + version;
  const wayOut = 'install one that it is tested on (' + TESTED + ') and run the command again';
  return problem + '; ' + wayOut;
}

/** @param {string} version
 *  @returns {string | null} what to know of a Node on which Rapt is not tested. */
export function nodeRemark(version) {
  const major = Number(version.split('.')[0]);
  if (major <= 26 && major % 2 === 0) return null;
  return 'Rapt is not tested on Node ' + version + ', but on ' + TESTED;
}
