/** All commands of `rapt`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { projectRoot } from '../system/index.ts';
import { assertOwnFolders } from './options/written-files.ts';

type AddTo = (program: Command) => void;

/** Names of commands, and where they are made, in the order of the help. What a command needs is loaded with it, not
 *  with every other one. */
const COMMANDS: readonly (readonly [names: readonly string[], load: () => Promise<AddTo>])[] = [
  [
    ['up', 'down', 'status', 'doctor', 'setup', 'worker'],
    async () => (await import('./commands/stack.ts')).addStackCommands,
  ],
  [['init'], async () => (await import('./commands/init.ts')).addInitCommand],
  [['schema'], async () => (await import('./commands/schema.ts')).addSchemaCommand],
  [
    ['start', 'run', 'watch', 'pause', 'continue', 'cancel', 'resume', 'extend'],
    async () => (await import('./commands/run.ts')).addRunCommands,
  ],
  [['schedule'], async () => (await import('./commands/schedule.ts')).addScheduleCommands],
  [['show', 'verify', 'gc'], async () => (await import('./commands/inspect.ts')).addInspectCommands],
  [['list'], async () => (await import('./commands/list.ts')).addListCommand],
  [['compare'], async () => (await import('./commands/compare.ts')).addCompareCommand],
  [['report', 'export'], async () => (await import('./commands/results.ts')).addResultCommands],
  [['predict'], async () => (await import('./commands/predict.ts')).addPredictCommand],
  [['import'], async () => (await import('./commands/import.ts')).addImportCommand],
  [['privatize'], async () => (await import('./commands/texts.ts')).addTextCommands],
  [['calibrate'], async () => (await import('./commands/calibrate.ts')).addCalibrateCommand],
  [['privacy'], async () => (await import('./commands/privacy.ts')).addPrivacyCommands],
  [['keys'], async () => (await import('./commands/keys.ts')).addKeysCommands],
  [['temporal'], async () => (await import('./commands/temporal.ts')).addTemporalCommands],
  [['codec-server'], async () => (await import('./commands/codec-server.ts')).addCodecServerCommand],
  [['credential-server', 'credentials'], async () => (await import('./commands/credentials.ts')).addCredentialCommands],
  [['policy'], async () => (await import('./commands/policy.ts')).addPolicyCommands],
  [['ledger'], async () => (await import('./commands/ledger.ts')).addLedgerCommands],
  [['audit'], async () => (await import('./commands/audit.ts')).addAuditCommand],
  [['completion'], async () => (await import('./commands/completion.ts')).addCompletionCommand],
];

/** The commands that are loaded together. */
export const LOADED_TOGETHER: readonly (readonly string[])[] = COMMANDS.map(([names]) => names);

/** Looks through the others. */
const NEEDS_ALL = 'completion';

/** Commands that leave the machine as it is, and those that tell by themselves what is wrong with it. */
const WRITE_NOTHING = [
  'down',
  'status',
  'doctor',
  'setup',
  'schema',
  'watch',
  'pause',
  'continue',
  'cancel',
  'resume',
  'show',
  'verify',
  'list',
  'schedule',
  'temporal',
  'completion',
];

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };

/** @param wanted first argument of the command line. If it names a command, the program has that one and those made
 *  with it; else it has all. */
export async function createProgram(wanted?: string): Promise<Command> {
  const program = new Command('rapt')
    .description(
      'Tunes a prompt on texts that do not leave: they are privatized where they lie, only noisy tokens go out.',
    )
    .version(version)
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 run failed, 2 bad input, 3 a gate missed, 4 a service out of reach, 130 interrupted',
    );
  const named =
    wanted === undefined || wanted === NEEDS_ALL ? undefined : COMMANDS.find(([names]) => names.includes(wanted));
  program.hook('preAction', (_, command) => {
    if (!WRITE_NOTHING.includes(nameBelow(program, command))) assertOwnFolders();
  });
  for (const add of await Promise.all((named === undefined ? COMMANDS : [named]).map(([, load]) => load())))
    add(program);
  return program;
}

/** "ledger", of `rapt ledger show`. */
function nameBelow(program: Command, command: Command): string {
  let at = command;
  while (at.parent !== null && at.parent !== program) at = at.parent;
  return at.name();
}
