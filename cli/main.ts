/** The `rapt` command. */
import { CommanderError } from 'commander';
import { BadInput, RaptError } from '../contracts/index.ts';
import { readTablesFromS3 } from '../infra/index.ts';
import { CommandFailure, EXIT, exitCodeOf } from './exit-codes.ts';
import { red, say } from './output.ts';
import { createProgram } from './program.ts';
import { tracedCommand } from './traced-command.ts';

async function main(): Promise<void> {
  readTablesFromS3();
  try {
    await tracedCommand(createProgram());
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has said what was wrong; help and version are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  if (error instanceof BadInput) say(error.message);
  else if (error instanceof RaptError || error instanceof CommandFailure) say(`${red('rapt:')} ${error.message}`);
  // Of an unknown error the message may quote a text, but this is the terminal of the texts' owner.
  else say(`${red('rapt:')} unexpected ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCodeOf(error);
}

await main();
