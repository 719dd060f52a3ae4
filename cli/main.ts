/** The `rapt` command. */
import { Command, CommanderError } from 'commander';
import { BadInput, RaptError } from '../contracts/index.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCalibrateCommand } from './commands/calibrate.ts';
import { addCodecServerCommand } from './commands/codec-server.ts';
import { addCredentialCommands } from './commands/credentials.ts';
import { addInspectCommands } from './commands/inspect.ts';
import { addKeysCommands } from './commands/keys.ts';
import { addLedgerCommands } from './commands/ledger.ts';
import { addPrivacyCommands } from './commands/privacy.ts';
import { addRunCommands } from './commands/run.ts';
import { addResultCommands } from './commands/results.ts';
import { addStackCommands } from './commands/stack.ts';
import { addTextCommands } from './commands/texts.ts';
import { CommandFailure, EXIT, exitCodeOf } from './exit-codes.ts';
import { red, say } from './output.ts';

export function createProgram(): Command {
  const program = new Command('rapt')
    .description('Tunes a prompt on texts that do not leave: they are privatized where they lie, only noisy tokens go out.')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done, 1 run failed, 2 bad input, 3 a gate missed, 4 a service out of reach, 130 interrupted');
  addStackCommands(program);
  addRunCommands(program);
  addInspectCommands(program);
  addResultCommands(program);
  addTextCommands(program);
  addCalibrateCommand(program);
  addPrivacyCommands(program);
  addKeysCommands(program);
  addCodecServerCommand(program);
  addCredentialCommands(program);
  addLedgerCommands(program);
  addAuditCommand(program);
  return program;
}

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
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
