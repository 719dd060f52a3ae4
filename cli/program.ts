/** All commands of `rapt`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { projectRoot } from '../infra/index.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCalibrateCommand } from './commands/calibrate.ts';
import { addCodecServerCommand } from './commands/codec-server.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addCredentialCommands } from './commands/credentials.ts';
import { addImportCommand } from './commands/import.ts';
import { addInitCommand } from './commands/init.ts';
import { addInspectCommands } from './commands/inspect.ts';
import { addKeysCommands } from './commands/keys.ts';
import { addLedgerCommands } from './commands/ledger.ts';
import { addListCommand } from './commands/list.ts';
import { addPrivacyCommands } from './commands/privacy.ts';
import { addResultCommands } from './commands/results.ts';
import { addRunCommands } from './commands/run.ts';
import { addScheduleCommands } from './commands/schedule.ts';
import { addSchemaCommand } from './commands/schema.ts';
import { addStackCommands } from './commands/stack.ts';
import { addTextCommands } from './commands/texts.ts';

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };

export function createProgram(): Command {
  const program = new Command('rapt')
    .description('Tunes a prompt on texts that do not leave: they are privatized where they lie, only noisy tokens go out.')
    .version(version)
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done, 1 run failed, 2 bad input, 3 a gate missed, 4 a service out of reach, 130 interrupted');
  addStackCommands(program);
  addInitCommand(program);
  addSchemaCommand(program);
  addRunCommands(program);
  addScheduleCommands(program);
  addInspectCommands(program);
  addListCommand(program);
  addCompareCommand(program);
  addResultCommands(program);
  addImportCommand(program);
  addTextCommands(program);
  addCalibrateCommand(program);
  addPrivacyCommands(program);
  addKeysCommands(program);
  addCodecServerCommand(program);
  addCredentialCommands(program);
  addLedgerCommands(program);
  addAuditCommand(program);
  addCompletionCommand(program);
  return program;
}
