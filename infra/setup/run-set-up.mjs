// @ts-check
/** Set-up as a command: what it prints, its exit code, and how a signal ends it. */
import { SETUP_COMMAND } from '../../system/paths.mjs';
import { COMPONENTS, PACKAGES } from './components/index.mjs';
import { nodeRemark } from './node-version.mjs';
import { SetUpFailed, setUp } from './set-up.mjs';

/** The exit code that a shell expects of a command that a signal ended. */
const INTERRUPTED = 130;

/** @param {readonly string[]} args */
export async function main(args) {
  const remark = nodeRemark(process.versions.node);
  const components = args.includes('--packages') ? [PACKAGES] : [PACKAGES, ...COMPONENTS];
  if (remark !== null && components.some((component) => !component.isReady())) console.error(`set-up: ${remark}`);
  process.exitCode = await runSetUp(components, { verify: args.includes('--verify') });
}

/** @param {typeof COMPONENTS} components
 *  @param {{ verify: boolean }} options
 *  @returns {Promise<number>} the exit code; what went wrong has been printed */
export async function runSetUp(components, { verify }) {
  const interruption = new AbortController();
  const stop = () => interruption.abort(new Error('interrupted'));
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, stop);
  try {
    await setUp(components, { verify, signal: interruption.signal });
    return 0;
  } catch (error) {
    if (interruption.signal.aborted) {
      console.error('set-up: interrupted; the next one goes on where this one stopped');
      return INTERRUPTED;
    }
    // The message of a system's error, such as a folder that this user may not write to, says enough.
    if (error instanceof Error && 'code' in error) {
      console.error(`set-up: ${error.message}`);
      return 1;
    }
    if (!(error instanceof SetUpFailed)) throw error;
    for (const problem of error.problems) console.error(`set-up: ${problem}`);
    const again = `Run the command again: it goes on where it stopped. \`${SETUP_COMMAND}\` runs the set-up alone.`;
    console.error(error.hasBegun ? again : 'Nothing has been fetched or changed.');
    return 1;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
