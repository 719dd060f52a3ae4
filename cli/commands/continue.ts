/** continue: a paused run goes on. */
import type { Command } from 'commander';
import { CONTINUE_UPDATE } from '../../contracts/index.ts';
import { update } from '../runs/update.ts';

export function addTo(program: Command): void {
  program
    .command('continue')
    .description('let a paused run go on')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt continue nightly')
    .action((id: string, options: { json?: true }) =>
      update(id, CONTINUE_UPDATE, options, ({ stage }) => `goes on with stage ${stage}. \`rapt watch ${id}\` shows it`),
    );
}
