/** The `rapt` command. */
import { CommanderError } from 'commander';
import { BadInput, RaptError } from '../contracts/index.ts';
import { readTablesFromS3 } from '../settings/index.ts';
import { onHubNews } from '../rapt/hub/index.ts';
import { CommandFailure, EXIT, exitCodeOf } from './terminal/exit-codes.ts';
import { ofOwnFolders } from './own-folders.ts';
import { dim, red, say } from './terminal/output.ts';
import { createProgram } from './program.ts';
import { tracedCommand } from './traced-command.ts';

/** A reader that has enough, such as `head`, closes the pipe. Without a listener Node would then print a stack trace of
 *  its own. */
function outliveReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') say(`${red('rapt:')} the answer cannot be written (${error.code ?? 'unknown reason'})`);
    process.exit(error.code === 'EPIPE' ? (process.exitCode ?? EXIT.done) : EXIT.failed);
  });
  // Nobody may read what is said on the way to the answer. The command goes on.
  process.stderr.on('error', () => undefined);
}

async function main(): Promise<void> {
  outliveReaders();
  readTablesFromS3();
  onHubNews((line) => say(dim(line)));
  try {
    await tracedCommand(await createProgram(process.argv[2]));
  } catch (error) {
    process.exitCode = report(ofOwnFolders(error));
  }
}

function report(error: unknown): number {
  // Commander has told the user what was wrong. Help and version come here too, and are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  if (error instanceof BadInput) say(error.message);
  else if (error instanceof RaptError || error instanceof CommandFailure) say(`${red('rapt:')} ${error.message}`);
  // The message of an unknown error may quote a text, but this is the terminal of the texts' owner.
  else say(`${red('rapt:')} unexpected ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCodeOf(error);
}

await main();
