/** schedule pause, resume, delete: changes to one schedule. */
import { ScheduleNotFoundError, type ScheduleHandle } from '@temporalio/client';
import type { Command } from 'commander';
import { ErrorKind, RaptError } from '../../../contracts/index.ts';
import { withTemporal } from '../../temporal/connection.ts';
import { printJson, say } from '../../terminal/output.ts';

/** What became of a schedule: `json` beside its name, `words` after it. */
export interface Changed {
  readonly json: Readonly<Record<string, unknown>>;
  readonly words: string;
}

export function addPause(schedule: Command): void {
  addChange(schedule, 'pause', 'start no more runs; one that runs goes on', async (handle) => {
    await handle.pause('paused by rapt');
    return { json: { paused: true }, words: 'paused' };
  });
}

export function addResume(schedule: Command): void {
  addChange(schedule, 'resume', 'start runs again when they are due', async (handle) => {
    await handle.unpause('resumed by rapt');
    return { json: { paused: false }, words: 'starts runs again when they are due' };
  });
}

export function addDelete(schedule: Command): void {
  addChange(schedule, 'delete', 'end the schedule; the runs that it started stay', async (handle) => {
    await handle.delete();
    return { json: { deleted: true }, words: 'ended; the runs that it started stay' };
  });
}

/** Adds a command that acts on one schedule. */
export function addChange(
  schedule: Command,
  name: string,
  description: string,
  act: (handle: ScheduleHandle) => Promise<Changed>,
): void {
  schedule
    .command(name)
    .description(description)
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExample: rapt schedule ${name} weekly`)
    .action((id: string, options: { json?: true }) =>
      withTemporal(async ({ client }) => {
        const { json, words } = await act(client.schedule.getHandle(id)).catch((error: unknown) => {
          throw error instanceof ScheduleNotFoundError ? noSchedule(id, error) : error;
        });
        if (options.json) printJson({ schedule: id, ...json });
        else say(`schedule ${id}: ${words}`);
      }),
    );
}

const noSchedule = (id: string, cause: Error): RaptError =>
  new RaptError(ErrorKind.notFound, `there is no schedule ${id}; \`rapt schedule list\` shows those there are`, {
    cause,
  });
