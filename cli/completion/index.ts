/** Completion scripts, made from the program's own commands. A script holds all words, so that a shell need not ask the
 *  program, which takes a second to start. Only ids are asked for. */
import type { Command } from 'commander';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { completedCommands } from './tree.ts';
import { zshCompletion } from './zsh.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
export type Shell = keyof typeof SCRIPTS;
export const SHELLS = Object.keys(SCRIPTS) as Shell[];

export const completionScript = (shell: Shell, program: Command): string => SCRIPTS[shell](completedCommands(program));
