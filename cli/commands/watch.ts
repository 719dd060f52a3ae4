/** watch: waiting for a run that somebody started before. */
import type { Command } from 'commander';
import { forgottenTenantOption } from '../options/common-options.ts';
import { assertTuning, requireRun } from '../runs/known-run.ts';
import { addWaitOptions, type WaitOptions } from '../runs/wait-options.ts';
import { askedRun, Waiting } from '../runs/waiting.ts';

interface WatchOptions extends WaitOptions {
  readonly tenant?: string;
}

export function addTo(program: Command): void {
  const command = program
    .command('watch')
    .description('show how a run gets on, until it ends')
    .argument('<id>')
    .addOption(forgottenTenantOption());
  addWaitOptions(command).addHelpText('after', '\nExample: rapt watch nightly --timeout 90m').action(watch);
}

const watch = (id: string, { tenant, ...options }: WatchOptions): Promise<void> =>
  Waiting.during(id, options, async (link, waiting) => {
    const run = await requireRun(link, id, tenant);
    assertTuning(id, run);
    await waiting.for(link, askedRun(id, run), run.left);
  });
