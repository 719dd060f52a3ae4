/** All commands of `rapt`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { projectRoot } from '../system/index.ts';
import { assertOwnFolders } from './own-folders.ts';

/** The commands in the order of the help. Each is made by the file of its name in commands/. */
export const COMMANDS: readonly string[] = [
  'up',
  'down',
  'status',
  'doctor',
  'setup',
  'worker',
  'init',
  'schema',
  'start',
  'run',
  'watch',
  'pause',
  'continue',
  'cancel',
  'resume',
  'extend',
  'schedule',
  'show',
  'verify',
  'gc',
  'list',
  'compare',
  'report',
  'export',
  'predict',
  'import',
  'privatize',
  'calibrate',
  'privacy',
  'keys',
  'temporal',
  'codec-server',
  'credential-server',
  'credentials',
  'policy',
  'ledger',
  'audit',
  'completion',
];

/** What a file of commands/ exports. */
interface CommandFile {
  readonly addTo: (program: Command) => void;
}

/** This command looks through the others. */
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

const DESCRIPTION =
  'Tunes a prompt on texts that do not leave: they are privatized where they lie, only noisy tokens go out.';
const EXIT_CODES =
  '\nExit codes: 0 done, 1 run failed, 2 bad input, 3 a gate missed, 4 a service out of reach, 130 interrupted';

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };

/** @param wanted first argument of the command line. If it names a command, the program has that one alone; else it has
 *  all. */
export async function createProgram(wanted?: string): Promise<Command> {
  const program = new Command('rapt')
    .description(DESCRIPTION)
    .version(version)
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  program.hook('preAction', (_, command) => {
    if (!WRITE_NOTHING.includes(nameBelow(program, command))) assertOwnFolders();
  });
  const isAlone = wanted !== undefined && wanted !== NEEDS_ALL && COMMANDS.includes(wanted);
  const files = await Promise.all((isAlone ? [wanted] : COMMANDS).map(commandFile));
  for (const { addTo } of files) addTo(program);
  return program;
}

/** By name, so that what a command needs is loaded with it, and not with every other one. */
async function commandFile(name: string): Promise<CommandFile> {
  return (await import(`./commands/${name}.ts`)) as CommandFile;
}

/** "ledger", of `rapt ledger show`. */
function nameBelow(program: Command, command: Command): string {
  let at = command;
  while (at.parent !== null && at.parent !== program) at = at.parent;
  return at.name();
}
