/** What `run`, `resume` and `extend` have in common: they start a run, or attach to it, and may wait for it. */
import type { Command } from 'commander';
import { BadInput, idProblems } from '../../contracts/index.ts';
import { byPolicyOption, forgottenTenantOption } from '../options/common-options.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';
import { printJson, say } from '../terminal/output.ts';
import { startOrAttach, type Planned } from './attach.ts';
import type { KnownRun } from './known-run.ts';
import { addWaitOptions, refuseUnlessWaiting, type WaitOptions } from './wait-options.ts';
import { askedRun, Waiting } from './waiting.ts';

export interface StartingOptions extends WaitOptions {
  readonly byPolicy?: true;
}

/** Options of a command that goes on from one run with a new one. */
export function addSuccessorOptions(command: Command): Command {
  return addWaitOptions(
    command
      .option(
        '--id <id>',
        'name of the new run; default: that of the one before with the next number, as in nightly-r2',
      )
      .addOption(forgottenTenantOption())
      .addOption(byPolicyOption())
      .option('--wait', 'wait for the end and show the progress'),
  );
}

/** Starts what is planned, or attaches to it, and waits for it when that is asked for.
 *  @param before is done before there is a connection.
 *  @throws BadInput, before anything is asked, when no run can have this id. */
export async function begin(
  id: string,
  options: StartingOptions,
  plan: (link: Link) => Promise<Planned | { readonly running: KnownRun }>,
  before?: () => Promise<unknown>,
): Promise<void> {
  const problems = idProblems(id, 'run', '--id');
  if (problems.length > 0) throw new BadInput(problems);
  const planned = async (link: Link): ReturnType<typeof plan> => {
    const next = await plan(link);
    return 'running' in next ? next : { ...next, byPolicy: options.byPolicy === true || next.byPolicy === true };
  };
  if (options.wait) {
    const wait = async (link: Link, waiting: Waiting): Promise<void> => {
      const next = await planned(link);
      if ('running' in next) await waiting.for(link, askedRun(id, next.running));
      else await waiting.start(link, next);
    };
    await Waiting.during(id, options, wait, before);
    return;
  }
  refuseUnlessWaiting(options);
  await before?.();
  await withTemporal(async (link) => {
    const next = await planned(link);
    if ('running' in next) return;
    const { run, attached } = await startOrAttach(link, next);
    if (options.json) printJson({ workflowId: run.id, attached });
    else say(`${attached ? 'run exists already' : 'started'}: ${run.id}\n\`rapt watch ${run.id}\` shows it`);
    for (const remark of run.remarks ?? []) say(remark);
  });
}
