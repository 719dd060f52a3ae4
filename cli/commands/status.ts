/** status: what runs on this machine. */
import type { Command } from 'commander';
import { stackStatus } from '../../infra/index.ts';
import { componentTable } from '../stack/components.ts';
import { print, printJson } from '../terminal/output.ts';

export function addTo(program: Command): void {
  program
    .command('status')
    .description('what runs on this machine, where, and as which process')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt status')
    .action(({ json }: { json?: true }) => {
      if (json) printJson({ components: stackStatus() });
      else print(componentTable());
    });
}
