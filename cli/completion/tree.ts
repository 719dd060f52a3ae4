/** The commands as a shell's completion needs them, read off the program itself. */
import type { Argument, Command, Option } from 'commander';

/** What may stand in a place: ids, which are asked for when they are needed, names of files, or these words. */
export type Source =
  'runs' | 'running' | 'finished' | 'schedules' | 'files' | 'folders' | 'nothing' | readonly string[];

/** Commands that print ids, one a line. */
export const ID_COMMANDS: Readonly<Record<'runs' | 'running' | 'finished' | 'schedules', string>> = {
  runs: 'rapt list --quiet --limit 50',
  running: 'rapt list --quiet --limit 50 --status running',
  finished: 'rapt list --quiet --limit 50 --status completed',
  schedules: 'rapt schedule list --quiet',
};

export interface CompletedOption {
  /** "-f", "--file". */
  readonly flags: readonly string[];
  readonly description: string;
  /** Null for one that takes no value. */
  readonly value: Source | null;
}

export interface CompletedCommand {
  /** "ledger export"; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  readonly argument: Source;
}

/** Every command with what may follow it, the program first. */
export function completedCommands(program: Command): CompletedCommand[] {
  return visit(program, '', []);
}

function visit(command: Command, path: string, inherited: readonly CompletedOption[]): CompletedCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const options = [
    ...help.visibleOptions(command).map((option) => completedOption(option, path)),
    ...inherited.filter(({ flags }) => !flags.includes('--help')),
  ];
  const [argument] = command.registeredArguments;
  return [
    {
      path,
      commands: children.map((child) => ({ name: child.name(), description: child.description() })),
      options,
      argument: argument === undefined ? 'nothing' : sourceOf(argument, argument.name(), path),
    },
    ...children.flatMap((child) => visit(child, `${path} ${child.name()}`.trim(), options)),
  ];
}

function completedOption(option: Option, path: string): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => typeof flag === 'string');
  const placeholder = /[<[](.+?)[>\]]/.exec(option.flags)?.[1];
  return {
    flags,
    description: option.description,
    value: placeholder === undefined ? null : option.long === '--id' ? 'nothing' : sourceOf(option, placeholder, path),
  };
}

const RUNNING = ['pause', 'continue', 'cancel'];
const FINISHED = ['compare', 'extend', 'verify'];

/** What may stand in a place, by its placeholder in the help: a <file> is a file, an <id> mostly that of a run. */
function sourceOf({ argChoices }: Pick<Argument | Option, 'argChoices'>, placeholder: string, path: string): Source {
  if (argChoices !== undefined) return argChoices;
  if (placeholder === 'file' || placeholder === 'path') return 'files';
  if (placeholder === 'folder') return 'folders';
  if (placeholder !== 'id' && placeholder !== 'ids') return 'nothing';
  const [group, command] = path.split(' ') as [string, string | undefined];
  if (group === 'schedule') return command === 'create' ? 'nothing' : 'schedules';
  if (group === 'keys' || group === 'credentials') return 'nothing';
  return RUNNING.includes(path) ? 'running' : FINISHED.includes(path) ? 'finished' : 'runs';
}
