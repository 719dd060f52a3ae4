/** cancel: a run ends and keeps what it has. */
import type { Command } from 'commander';
import { CANCELLATION_MS } from '../runs/follow.ts';
import { waitsFor } from '../runs/wait-reason.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';
import { describe, queryProgress, tenantOf } from '../temporal/executions.ts';
import { within } from '../temporal/time-limit.ts';
import { dim, printJson, say } from '../terminal/output.ts';

export function addTo(program: Command): void {
  program
    .command('cancel')
    .description('end a run; its release and its checkpoints stay, and `rapt resume` goes on from them')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt cancel nightly')
    .action(cancel);
}

const cancel = (id: string, { json }: { json?: true }): Promise<void> =>
  withTemporal(async (link) => {
    const before = await describe(link, id);
    const ran = before.status.name === 'RUNNING';
    if (ran) await cancelAndWait(link, id);
    const after = ran ? await describe(link, id) : before;
    const status = after.status.name.toLowerCase();
    if (json) printJson({ workflowId: id, status });
    else if (!ran) say(`run ${id} has ended already: ${status}`);
    else if (status === 'completed') say(`run ${id}: completed before it could be cancelled`);
    else say(`run ${id}: ${status}. \`rapt resume ${id}\` goes on from what it has`);
  });

/** Waits for the run's end without a limit. When it takes long, the user is told why. */
async function cancelAndWait(link: Link, id: string): Promise<void> {
  const handle = link.client.workflow.getHandle(id);
  await handle.cancel();
  const end = handle.result().then(
    () => true,
    () => true,
  );
  if ((await within(CANCELLATION_MS, end)) !== null) return;
  const why = await waitsFor(link, id, await queryProgress(handle), await tenantOf(link, id));
  const reason = why === null ? '' : `: it ${why}`;
  say(dim(`run ${id} was told to end, and has not yet${reason}. Ctrl-C ends the waiting alone`));
  await end;
}
