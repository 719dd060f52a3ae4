/** keys use: which key encrypts. */
import type { Command } from 'commander';
import { withCurrent } from '../../../codec/index.ts';
import { writeKeysFile } from '../../../settings/index.ts';
import { printJson, say } from '../../terminal/output.ts';
import { existingKeys, RESTART, writableKeysFileOf } from './key-file.ts';

export function addTo(keys: Command): void {
  keys
    .command('use')
    .description('let this key encrypt from now on: for its tenant, or for all')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt keys use 2026-11-25-3f9c2a')
    .action((id: string, { json }: { json?: true }, command: Command) => {
      const file = writableKeysFileOf(command);
      writeKeysFile(file, withCurrent(existingKeys(file), id));
      if (json) printJson({ file, current: id });
      else say(`${id} encrypts; ${RESTART}`);
    });
}
