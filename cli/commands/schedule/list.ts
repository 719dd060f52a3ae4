/** schedule list: the schedules of tuning runs. */
import type { ScheduleSummary } from '@temporalio/client';
import type { Command } from 'commander';
import { WORKFLOW_TYPE } from '../../../contracts/index.ts';
import { withTemporal, type Link } from '../../temporal/connection.ts';
import { print, printJson, say, table, timeOf } from '../../terminal/output.ts';

interface ListedSchedule {
  readonly schedule: string;
  readonly when: string | null;
  readonly paused: boolean;
  readonly next: string | null;
  /** The run that was started last. */
  readonly last: string | null;
}

export function addTo(schedule: Command): void {
  schedule
    .command('list')
    .description('the schedules, when each starts its next run, and the last run that it started')
    .option('-q, --quiet', 'only the ids, one a line')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt schedule list')
    .action(list);
}

const list = ({ quiet, json }: { quiet?: true; json?: true }): Promise<void> =>
  withTemporal(async (link) => {
    const schedules = await schedulesOf(link);
    if (json) printJson({ schedules });
    else if (quiet) for (const { schedule: id } of schedules) print(id);
    else if (schedules.length === 0) say('there are no schedules; `rapt schedule create` makes one');
    else print(table([HEAD, ...schedules.map(rowOf)]));
  });

async function schedulesOf({ client }: Link): Promise<ListedSchedule[]> {
  const found: ListedSchedule[] = [];
  for await (const one of client.schedule.list())
    if (one.action?.workflowType === WORKFLOW_TYPE.tuning) found.push(listedOf(one));
  return found;
}

function listedOf({ scheduleId, memo, state, info }: ScheduleSummary): ListedSchedule {
  const when = memo?.['when'];
  return {
    schedule: scheduleId,
    when: typeof when === 'string' ? when : null,
    paused: state.paused,
    next: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
    last: info.recentActions.at(-1)?.action.workflow.workflowId ?? null,
  };
}

const HEAD = ['schedule', 'when', 'next (UTC)', 'last run'];
const rowOf = ({ schedule, when, paused, next, last }: ListedSchedule): string[] => [
  schedule,
  when ?? '-',
  paused ? 'paused' : next === null ? '-' : timeOf(next),
  last ?? '-',
];
