/** list: the runs that Temporal knows. */
import type { Client } from '@temporalio/client';
import { Option, type Command } from 'commander';
import { searchAttributes, STAGES, WORKFLOW_TYPE } from '../../contracts/index.ts';
import { tenantNameOf, wholeNumberOf } from '../options/values.ts';
import { duration, percent, print, printJson, say, table, timeOf } from '../terminal/output.ts';
import { withTemporal } from '../temporal/connection.ts';
import { queryProgress } from '../temporal/executions.ts';

/** As the command spells them, and as Temporal's visibility does. */
const STATUSES = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timed_out: 'TimedOut',
} as const;
type Status = keyof typeof STATUSES;

interface ListOptions {
  tenant?: string;
  stage?: string;
  status?: Status;
  limit: string;
  quiet?: true;
  json?: true;
}

interface ListedRun {
  readonly workflowId: string;
  readonly status: string;
  readonly stage: string | null;
  readonly accuracy: number | null;
  readonly eta: number | null;
  readonly mechanism: string | null;
  readonly backbone: string | null;
  readonly tenant: string | null;
  readonly started: string;
  /** Of one that runs, up to now. */
  readonly seconds: number;
  /** Of its training, as the run itself tells it everywhere; null when it does not train, or nobody answers for it. */
  readonly secondsLeft: number | null;
}

/** As Temporal's visibility has it, before the run itself is asked. */
type FoundRun = Omit<ListedRun, 'secondsLeft'>;

const HELP =
  '\nTemporal forgets runs some time after they ended (its retention); ' +
  '`rapt compare` and `rapt report` know those of this client for longer.\n' +
  'Example: rapt list --stage train\n' +
  '         rapt list --status running --quiet | xargs -n1 rapt cancel\n' +
  '         rapt list --tenant acme --stage done --limit 5';

export function addTo(program: Command): void {
  program
    .command('list')
    .description('the runs that Temporal knows: those that run first, then the last ones that ended')
    .addOption(
      new Option('--stage <stage>', 'only runs in this stage, or that ended in it').choices([...STAGES, 'paused']),
    )
    .addOption(new Option('--status <status>', 'only runs of this status').choices(Object.keys(STATUSES)))
    .option('--tenant <name>', 'only runs of this tenant')
    .option('--limit <number>', 'at most so many', '20')
    .option('-q, --quiet', 'only the ids, one a line')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(list);
}

async function list(options: ListOptions): Promise<void> {
  const query = queryOf(options);
  const limit = wholeNumberOf('--limit', options.limit);
  const runs = await withTemporal(async ({ client }) => {
    const found = await foundRuns(client, query, limit);
    const leftOf = ({ workflowId, status }: FoundRun): Promise<number | null> | null =>
      options.quiet || status !== 'running' ? null : secondsLeftOf(client, workflowId);
    return Promise.all(found.map(async (run): Promise<ListedRun> => ({ ...run, secondsLeft: await leftOf(run) })));
  });
  if (options.json) printJson({ runs });
  else if (options.quiet) for (const { workflowId } of runs) print(workflowId);
  else if (runs.length === 0) say('no run is like this; `rapt run` starts one');
  else print(table([HEAD, ...runs.map(rowOf)]));
}

async function foundRuns(client: Client, query: string, limit: number): Promise<FoundRun[]> {
  const found: FoundRun[] = [];
  for await (const run of client.workflow.list({ query, pageSize: limit })) {
    const { workflowId, status, startTime, closeTime, typedSearchAttributes: facts } = run;
    found.push({
      workflowId,
      status: status.name.toLowerCase(),
      stage: facts.get(searchAttributes.stage) ?? null,
      accuracy: facts.get(searchAttributes.accuracy) ?? null,
      eta: facts.get(searchAttributes.eta) ?? null,
      mechanism: facts.get(searchAttributes.mechanism) ?? null,
      backbone: facts.get(searchAttributes.backbone) ?? null,
      tenant: facts.get(searchAttributes.tenant) ?? null,
      started: startTime.toISOString(),
      seconds: Math.round(((closeTime ?? new Date()).getTime() - startTime.getTime()) / 1000),
    });
    if (found.length === limit) break;
  }
  return found;
}

const secondsLeftOf = async (client: Client, id: string): Promise<number | null> =>
  (await queryProgress(client.workflow.getHandle(id)))?.secondsLeft ?? null;

/** Of the runs alone: one that went on in a new history is told once. */
function queryOf({ tenant, stage, status }: ListOptions): string {
  return [
    `WorkflowType = '${WORKFLOW_TYPE.tuning}'`,
    "ExecutionStatus != 'ContinuedAsNew'",
    ...(status === undefined ? [] : [`ExecutionStatus = '${STATUSES[status]}'`]),
    ...(stage === undefined ? [] : [`${searchAttributes.stage.name} = '${stage}'`]),
    ...(tenant === undefined ? [] : [`${searchAttributes.tenant.name} = '${tenantNameOf('--tenant', tenant)}'`]),
  ].join(' AND ');
}

const HEAD = [
  'run',
  'status',
  'stage',
  'accuracy',
  'eta',
  'mechanism',
  'backbone',
  'started (UTC)',
  'duration',
  'left',
];
const rowOf = ({
  workflowId,
  status,
  stage,
  accuracy,
  eta,
  mechanism,
  backbone,
  started,
  seconds,
  secondsLeft,
}: ListedRun): string[] => [
  workflowId,
  status,
  stage ?? '-',
  accuracy === null ? '-' : percent(accuracy),
  eta === null ? '-' : String(eta),
  mechanism ?? '-',
  backbone ?? '-',
  timeOf(started),
  duration(seconds),
  secondsLeft === null ? '-' : duration(secondsLeft),
];
