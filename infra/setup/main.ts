import { SETUP_COMMAND } from '../../system/index.ts';
import { setUp } from './set-up.ts';

setUp().catch((error: unknown) => {
  process.stderr.write(`set-up failed: ${error instanceof Error ? error.message : String(error)}\nRun the command again: it goes on where it stopped. \`${SETUP_COMMAND}\` runs the set-up alone.\n`);
  process.exitCode = 1;
});
