/** The file that the commands below `credentials` read and write. */
import type { Command } from 'commander';
import { grantsFile } from '../../../settings/index.ts';

export const grantsFileOf = (command: Command): string =>
  command.optsWithGlobals<{ grants?: string }>().grants ?? grantsFile();
