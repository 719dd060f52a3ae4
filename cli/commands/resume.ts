/** resume: a new run that goes on from one that ended without a result. */
import type { Command } from 'commander';
import { addSuccessorOptions, begin, type StartingOptions } from '../runs/begin.ts';
import { nextId, planResumption, type NextRun } from '../runs/plan.ts';

const DESCRIPTION =
  'go on with a run that failed, timed out, was cancelled or terminated, or whose version of the code has no ' +
  'worker any more, as a new run that takes over release and checkpoint';

export function addTo(program: Command): void {
  addSuccessorOptions(program.command('resume').description(DESCRIPTION).argument('<id>'))
    .addHelpText('after', '\nExample: rapt resume nightly --wait')
    .action((from: string, { id, tenant, ...options }: NextRun & StartingOptions) =>
      begin(id ?? nextId(from), options, (link) => planResumption(link, from, { id, tenant })),
    );
}
