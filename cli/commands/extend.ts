/** extend: a new run that trains a completed one for more epochs. */
import type { Command } from 'commander';
import { wholeNumberOf } from '../options/values.ts';
import { addSuccessorOptions, begin, type StartingOptions } from '../runs/begin.ts';
import { nextId, planExtension, type NextRun } from '../runs/plan.ts';

type ExtendOptions = NextRun & StartingOptions & { readonly epochs: string };

const DESCRIPTION =
  'train a completed run for more epochs, as a new run that takes over its release and its last checkpoint';
const HELP =
  '\nThe added epochs have a rise and a fall of the learning rate of their own. ' +
  'Example: rapt extend nightly --epochs 3 --wait';

export function addTo(program: Command): void {
  const command = program
    .command('extend')
    .description(DESCRIPTION)
    .argument('<id>')
    .requiredOption('--epochs <number>', 'epochs to add');
  addSuccessorOptions(command)
    .addHelpText('after', HELP)
    .action((from: string, { epochs, id, tenant, ...options }: ExtendOptions) =>
      begin(id ?? nextId(from), options, (link) =>
        planExtension(link, from, wholeNumberOf('--epochs', epochs), { id, tenant }),
      ),
    );
}
