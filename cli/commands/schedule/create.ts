/** schedule create: a configuration whose runs start again and again. */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type ScheduleHandle } from '@temporalio/client';
import type { Command } from 'commander';
import { BadInput, CONTROL_QUEUE, idProblems, WORKFLOW_TYPE, type TuningConfig } from '../../../contracts/index.ts';
import { requireServer } from '../../../infra/index.ts';
import { assertEncrypts } from '../../../settings/index.ts';
import { collect } from '../../options/common-options.ts';
import { loadConfig } from '../../options/configuration.ts';
import { policyProblems } from '../../policy/check-request.ts';
import { whenOf, type When, type WhenOptions } from '../../runs/schedule-spec.ts';
import { withTemporal, type Link } from '../../temporal/connection.ts';
import { printJson, say, timeOf } from '../../terminal/output.ts';

interface CreateOptions extends WhenOptions {
  readonly file?: string;
  readonly set: string[];
  readonly gate: string[];
  readonly paused?: true;
  readonly json?: true;
}

const HELP = `
Example: rapt schedule create weekly -f tuning.yaml --weekly 'mon 03:00' --time-zone Europe/Berlin
         rapt schedule create often -f tuning.yaml --every 6h --gate 'accuracy>=0.7'`;

export function addTo(schedule: Command): void {
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
    .addHelpText('after', HELP)
    .action(create);
}

async function create(id: string, { file, set, gate, paused, json, ...given }: CreateOptions): Promise<void> {
  const when = whenOf(given);
  const problems = idProblems(id, 'schedule', 'id');
  if (problems.length > 0) throw new BadInput(problems);
  await withTemporal(async (link) => {
    const { client, services } = link;
    const config = await loadConfig({ file, set, gate }, services.stack === 'local');
    // Its runs start when nobody is at the machine, so that the policy decides.
    const refused = services.stack === 'local' ? await policyProblems(config) : [];
    if (refused.length > 0) throw new BadInput(refused);
    await requireServer(client.connection, services.temporal);
    assertEncrypts(services);
    const isPaused = paused === true;
    const handle = await createSchedule(link, id, { config, when, isPaused });
    const next = (await handle.describe()).info.nextActionTimes[0]?.toISOString() ?? null;
    if (json) printJson({ schedule: id, when: when.words, paused: isPaused, next });
    else say(`schedule ${id}: ${when.words}; ${isPaused ? howItBegins(id) : firstRun(next)}`);
  });
}

const howItBegins = (id: string): string => `paused, \`rapt schedule resume ${id}\` lets it begin`;
const firstRun = (next: string | null): string =>
  `its first run starts at ${next === null ? 'no time' : `${timeOf(next)} UTC`}`;

interface NewSchedule {
  readonly config: TuningConfig;
  readonly when: When;
  readonly isPaused: boolean;
}

/** @throws BadInput when there is a schedule of this id, or the server does not take the times. */
async function createSchedule(
  { client }: Link,
  id: string,
  { config, when, isPaused }: NewSchedule,
): Promise<ScheduleHandle> {
  try {
    return await client.schedule.create({
      scheduleId: id,
      spec: when.spec,
      action: {
        type: 'startWorkflow',
        workflowType: WORKFLOW_TYPE.tuning,
        taskQueue: CONTROL_QUEUE,
        workflowId: id,
        args: [config],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP },
      memo: { when: when.words },
      state: { paused: isPaused },
    });
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning)
      throw new BadInput([
        {
          where: id,
          problem: `is a schedule already; give another name, or end it first with \`rapt schedule delete ${id}\``,
        },
      ]);
    // How the client tells that the server finds the request wrong.
    if (error instanceof TypeError) throw new BadInput([{ where: when.words, problem: error.message }]);
    throw error;
  }
}
