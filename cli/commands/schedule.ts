/** schedule: runs that Temporal starts by itself, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleHandle,
  type ScheduleSummary,
} from '@temporalio/client';
import type { Command } from 'commander';
import { BadInput, CONTROL_QUEUE, ErrorKind, idProblems, RaptError, WORKFLOW_TYPE } from '../../contracts/index.ts';
import { assertEncrypts } from '../../settings/index.ts';
import { requireServer } from '../../infra/index.ts';
import { loadConfig } from '../options/configuration.ts';
import { collect } from '../options/common-options.ts';
import { print, printJson, say, table, timeOf } from '../terminal/output.ts';
import { policyProblems } from '../policy/check.ts';
import { whenOf, type WhenOptions } from '../runs/schedule-spec.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';

interface CreateOptions extends WhenOptions {
  readonly file?: string;
  readonly set: string[];
  readonly gate: string[];
  readonly paused?: true;
  readonly json?: true;
}

interface Listed {
  readonly schedule: string;
  readonly when: string | null;
  readonly paused: boolean;
  readonly next: string | null;
  /** The run that was started last. */
  readonly last: string | null;
}

export function addTo(program: Command): void {
  const schedule = program
    .command('schedule')
    .description(
      'runs that Temporal starts by itself, each with an id of its own; one that is due while the one before still ' +
        'runs is left out',
    )
    .addHelpText(
      'after',
      "\nExample: rapt schedule create weekly -f tuning.yaml --weekly 'mon 03:00'\n         rapt schedule list",
    );
  schedule
    .command('create')
    .description('start runs of this configuration again and again; the tables are read anew each time')
    .argument('<id>', 'name of the schedule; its runs are called <id>-<time of the start>')
    .option('-f, --file <path>', 'configuration in JSON or YAML; "-" reads standard input')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option('--gate <condition>', "a gate of each run, such as 'accuracy>=0.7'; may be repeated", collect, [])
    .option('--weekly <days time>', "such as 'mon 03:00' or 'mon,thu 18:30'")
    .option('--daily <time>', 'such as 03:00')
    .option('--every <time>', 'such as 6h or 7d')
    .option('--cron <expression>', "such as '0 3 * * 1': minute, hour, day, month, weekday")
    .option('--time-zone <name>', "such as Europe/Berlin; default: this machine's")
    .option('--paused', 'start nothing until `rapt schedule resume`')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      "\nExample: rapt schedule create weekly -f tuning.yaml --weekly 'mon 03:00' --time-zone Europe/Berlin\n      " +
        "   rapt schedule create often -f tuning.yaml --every 6h --gate 'accuracy>=0.7'",
    )
    .action(create);
  schedule
    .command('list')
    .description('the schedules, when each starts its next run, and the last run that it started')
    .option('-q, --quiet', 'only the ids, one a line')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt schedule list')
    .action(({ quiet, json }: { quiet?: true; json?: true }) =>
      withTemporal(async (link) => {
        const schedules = await listed(link);
        if (json) printJson({ schedules });
        else if (quiet) for (const { schedule: id } of schedules) print(id);
        else if (schedules.length === 0) say('there are no schedules; `rapt schedule create` makes one');
        else print(table([HEAD, ...schedules.map(rowOf)]));
      }),
    );
  change(schedule, 'pause', 'start no more runs; one that runs goes on', async (handle) => {
    await handle.pause('paused by rapt');
    return { paused: true };
  });
  change(schedule, 'resume', 'start runs again when they are due', async (handle) => {
    await handle.unpause('resumed by rapt');
    return { paused: false };
  });
  change(schedule, 'delete', 'end the schedule; the runs that it started stay', async (handle) => {
    await handle.delete();
    return { deleted: true };
  });
  change(schedule, 'trigger', 'start a run now, unless one of this schedule still runs', trigger);
}

/** A command on one schedule. */
function change(
  schedule: Command,
  name: string,
  description: string,
  act: (handle: ScheduleHandle) => Promise<Record<string, unknown>>,
): void {
  schedule
    .command(name)
    .description(description)
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExample: rapt schedule ${name} weekly`)
    .action((id: string, { json }: { json?: true }) =>
      withTemporal(async ({ client }) => {
        const outcome = await act(client.schedule.getHandle(id)).catch((error: unknown) => {
          if (error instanceof ScheduleNotFoundError)
            throw new RaptError(
              ErrorKind.notFound,
              `there is no schedule ${id}; \`rapt schedule list\` shows those there are`,
              { cause: error },
            );
          throw error;
        });
        if (json) printJson({ schedule: id, ...outcome });
        else say(`schedule ${id}: ${sentence(outcome)}`);
      }),
    );
}

async function create(id: string, { file, set, gate, paused, json, ...when }: CreateOptions): Promise<void> {
  const { spec, words } = whenOf(when);
  const problems = idProblems(id, 'schedule', 'id');
  if (problems.length > 0) throw new BadInput(problems);
  await withTemporal(async ({ client, services }) => {
    const config = await loadConfig({ file, set, gate }, services.stack === 'local');
    // Its runs start when nobody is at the machine, so that the policy decides.
    const refused = services.stack === 'local' ? await policyProblems(config) : [];
    if (refused.length > 0) throw new BadInput(refused);
    await requireServer(client.connection, services.temporal);
    assertEncrypts(services);
    const handle = await client.schedule
      .create({
        scheduleId: id,
        spec,
        action: {
          type: 'startWorkflow',
          workflowType: WORKFLOW_TYPE.tuning,
          taskQueue: CONTROL_QUEUE,
          workflowId: id,
          args: [config],
        },
        policies: { overlap: ScheduleOverlapPolicy.SKIP },
        memo: { when: words },
        state: { paused: paused === true },
      })
      .catch((error: unknown) => {
        if (error instanceof ScheduleAlreadyRunning)
          throw new BadInput([
            {
              where: id,
              problem: `is a schedule already; give another name, or end it first with \`rapt schedule delete ${id}\``,
            },
          ]);
        // How the client tells that the server finds the request wrong.
        if (error instanceof TypeError) throw new BadInput([{ where: words, problem: error.message }]);
        throw error;
      });
    const [next] = (await handle.describe()).info.nextActionTimes;
    if (json) printJson({ schedule: id, when: words, paused: paused === true, next: next?.toISOString() ?? null });
    else
      say(
        `schedule ${id}: ${words}; ` +
          (paused === true
            ? 'paused, `rapt schedule resume ' + `${id}\` lets it begin`
            : 'its first run starts at ' + (next === undefined ? 'no time' : `${timeOf(next.toISOString())} UTC`)),
      );
  });
}

async function listed({ client }: Link): Promise<Listed[]> {
  const found: Listed[] = [];
  for await (const one of client.schedule.list())
    if (one.action?.workflowType === WORKFLOW_TYPE.tuning) found.push(listedOf(one));
  return found;
}

function listedOf({ scheduleId, memo, state, info }: ScheduleSummary): Listed {
  const when = memo?.['when'];
  return {
    schedule: scheduleId,
    when: typeof when === 'string' ? when : null,
    paused: state.paused,
    next: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
    last: info.recentActions.at(-1)?.action.workflow.workflowId ?? null,
  };
}

const TRIGGER_TIMEOUT_MS = 10_000;
const POLL_MS = 200;

/** Tells the run that came of it. */
async function trigger(handle: ScheduleHandle): Promise<{ run: string | null }> {
  const taken = async (): Promise<{ runs: number; skipped: number; last: string | null }> => {
    const { numActionsTaken, numActionsSkippedOverlap, recentActions } = (await handle.describe()).info;
    return {
      runs: numActionsTaken,
      skipped: numActionsSkippedOverlap,
      last: recentActions.at(-1)?.action.workflow.workflowId ?? null,
    };
  };
  const before = await taken();
  // Its own default lets runs overlap.
  await handle.trigger(ScheduleOverlapPolicy.SKIP);
  const deadline = Date.now() + TRIGGER_TIMEOUT_MS;
  while (Date.now() < deadline) {
    await sleep(POLL_MS);
    const after = await taken();
    if (after.runs > before.runs) return { run: after.last };
    if (after.skipped > before.skipped) return { run: null };
  }
  throw new RaptError(
    ErrorKind.unavailable,
    `the server has not said within ${TRIGGER_TIMEOUT_MS / 1000} s what became of it; \`rapt list\` shows whether ` +
      'a run was started',
  );
}

function sentence({ paused, deleted, run }: Record<string, unknown>): string {
  if (deleted === true) return 'ended; the runs that it started stay';
  if (typeof run === 'string') return `started ${run}\n\`rapt watch ${run}\` shows it`;
  if (run === null) return 'nothing was started, since its last run has not ended';
  return paused === true ? 'paused' : 'starts runs again when they are due';
}

const HEAD = ['schedule', 'when', 'next (UTC)', 'last run'];
const rowOf = ({ schedule, when, paused, next, last }: Listed): string[] => [
  schedule,
  when ?? '-',
  paused ? 'paused' : next === null ? '-' : timeOf(next),
  last ?? '-',
];
