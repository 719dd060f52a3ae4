/** pause: a run stops its work and keeps its place. */
import type { Command } from 'commander';
import { PAUSE_UPDATE, type RunProgress } from '../../contracts/index.ts';
import { update } from '../runs/update.ts';

export function addTo(program: Command): void {
  program
    .command('pause')
    .description('stop the work of a run where it can go on from, and free its workers')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt pause nightly && rapt continue nightly')
    .action((id: string, options: { json?: true }) =>
      update(
        id,
        PAUSE_UPDATE,
        options,
        (progress) => `${paused(progress)}. \`rapt continue ${id}\` goes on from there`,
      ),
    );
}

const paused = ({ stage, step, totalSteps }: RunProgress): string =>
  totalSteps > 0 ? `paused in stage ${stage} at step ${step} of ${totalSteps}` : `paused in stage ${stage}`;
