/** down: what `up` started ends. */
import type { Command } from 'commander';
import { down } from '../../infra/index.ts';
import { printJson, say } from '../terminal/output.ts';

export function addTo(program: Command): void {
  program
    .command('down')
    .description('end what `rapt up` started; data, addresses and credentials stay')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt down')
    .action(async ({ json }: { json?: true }) => {
      const ended = await down();
      if (json) printJson({ ended });
      else say(ended.length === 0 ? 'nothing was running' : `ended: ${ended.join(', ')}`);
    });
}
