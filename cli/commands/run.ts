/** start, run, watch, pause, continue, cancel, resume, extend: tuning runs. */
import { Option, type Command } from 'commander';
import {
  BadInput,
  CONTINUE_UPDATE,
  idProblems,
  PAUSE_UPDATE,
  type RunProgress,
  type TuningConfig,
} from '../../contracts/index.ts';
import { namedTemporal } from '../../settings/index.ts';
import { up } from '../../infra/index.ts';
import { RAPT_COMMAND } from '../../system/index.ts';
import { startOrAttach, type Planned } from '../runs/attach.ts';
import { loadConfig } from '../options/configuration.ts';
import { assertTuning, requireRun, type KnownRun } from '../runs/known-run.ts';
import { byPolicyOption, collect, wholeNumberOf } from '../options/values.ts';
import { dim, printJson, say } from '../terminal/output.ts';
import { newId, nextId, planExtension, planResumption, planSuccessor, type NextRun } from '../runs/plan.ts';
import { CANCELLATION_MS, waitsFor, within } from '../runs/follow.ts';
import { describe, queryProgress, sendUpdate, tenantOf, withTemporal, type Link } from '../temporal/connection.ts';
import { addWaitOptions, askedRun, refuseUnlessWaiting, Waiting, type WaitOptions } from '../runs/waiting.ts';
import { sayComponents } from './stack.ts';

/** Temporal itself knows whose the others are. */
const forgottenTenant = (): Option =>
  new Option('--tenant <name>', 'tenant of a run that Temporal has forgotten; default: as this client knows it');

/** Of a command that starts a run. */
interface StartingOptions extends WaitOptions {
  readonly byPolicy?: true;
}

interface RunOptions extends StartingOptions {
  readonly file?: string;
  readonly set: string[];
  readonly gate: string[];
  readonly baseline?: string;
  readonly id?: string;
  readonly resume?: true;
  readonly up?: true;
}

export function addRunCommands(program: Command): void {
  program
    .command('start')
    .description('start everything, tune on the built-in data, and show what came out')
    .option('--set <field=value>', 'change a setting, such as tuning.epochs=2', collect, [])
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample: rapt start --set tuning.epochs=2')
    .action(async ({ set, json }: { set: string[]; json?: true }) => {
      const config = await loadConfig({ set }, true);
      const { temporal } = await startLocally(config);
      say(`Temporal UI: ${temporal.uiUrl}`);
      const id = newId('start');
      await Waiting.during(id, { onInterrupt: 'leave', ...(json && { json }) }, (link, waiting) =>
        waiting.start(link, { id, config, goesOnFrom: null, isNewName: true }),
      );
      say(`\nThese processes stay, for the next run; \`${RAPT_COMMAND} down\` ends them:`);
      sayComponents();
    });

  const run = program
    .command('run')
    .description('start a tuning run; with no file, the default one')
    .option('-f, --file <path>', 'configuration in JSON or YAML; "-" reads standard input')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option(
      '--gate <condition>',
      "fail with exit code 3 unless it holds, such as 'accuracy>=0.7'; may be repeated",
      collect,
      [],
    )
    .option('--baseline <id>', "a finished run that gates compare with: 'accuracy >= baseline - 0.01'")
    .option('--id <id>', 'name of the run; a name that exists attaches to that run')
    .option(
      '--resume',
      'when the run of this name ended without a result, go on with it as a new run, from its checkpoint',
    )
    .addOption(byPolicyOption())
    .option('--up', "start the local servers and workers first, for the configuration's tenant")
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(run)
    .addHelpText(
      'after',
      "\nExample: rapt run -f tuning.yaml --set tuning.epochs=3 --gate 'accuracy>=0.7' --id pr-17 --wait --json " +
        '--junit junit.xml',
    )
    .action(({ file, set, gate, baseline, id: name, resume, up: startFirst, ...options }: RunOptions) => {
      const id = name ?? newId('run');
      // Read once: it may come by standard input.
      let config: TuningConfig | null = null;
      const load = async (localFiles: boolean): Promise<TuningConfig> =>
        (config ??= await loadConfig({ file, set, gate, baseline }, localFiles));
      const before = startFirst && (async () => startLocally(await load(true)));
      const plan = async (link: Link): Promise<Planned> => {
        const wanted = await load(link.services.stack === 'local');
        return resume && name !== undefined
          ? planSuccessor(link, id, wanted)
          : { id, config: wanted, goesOnFrom: null, isNewName: name === undefined };
      };
      return begin(id, options, plan, before);
    });

  addWaitOptions(
    program
      .command('watch')
      .description('show how a run gets on, until it ends')
      .argument('<id>')
      .addOption(forgottenTenant()),
  )
    .addHelpText('after', '\nExample: rapt watch nightly --timeout 90m')
    .action((id: string, { tenant, ...options }: WaitOptions & { tenant?: string }) =>
      Waiting.during(id, options, async (link, waiting) => {
        const run = await requireRun(link, id, tenant);
        assertTuning(id, run);
        await waiting.for(link, askedRun(id, run), run.left);
      }),
    );

  program
    .command('pause')
    .description('stop the work of a run where it can go on from, and free its workers')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt pause nightly && rapt continue nightly')
    .action((id: string, options: { json?: true }) =>
      update(
        id,
        PAUSE_UPDATE,
        options,
        ({ stage, step, totalSteps }) =>
          `paused in stage ${stage}${totalSteps > 0 ? ` at step ${step} of ${totalSteps}` : ''}. \`rapt continue ` +
          `${id}\` goes on from there`,
      ),
    );

  program
    .command('continue')
    .description('let a paused run go on')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt continue nightly')
    .action((id: string, options: { json?: true }) =>
      update(id, CONTINUE_UPDATE, options, ({ stage }) => `goes on with stage ${stage}. \`rapt watch ${id}\` shows it`),
    );

  program
    .command('cancel')
    .description('end a run; its release and its checkpoints stay, and `rapt resume` goes on from them')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt cancel nightly')
    .action((id: string, { json }: { json?: true }) =>
      withTemporal(async (link) => {
        const before = await describe(link, id);
        const ran = before.status.name === 'RUNNING';
        if (ran) {
          const handle = link.client.workflow.getHandle(id);
          await handle.cancel();
          const end = handle.result().then(
            () => true,
            () => true,
          );
          if ((await within(CANCELLATION_MS, end)) === null) {
            const why = await waitsFor(link, id, await queryProgress(handle), await tenantOf(link, id));
            say(
              dim(
                `run ${id} was told to end, and has not yet${why === null ? '' : `: it ${why}`}. Ctrl-C ends the ` +
                  'waiting alone',
              ),
            );
            await end;
          }
        }
        const status = (ran ? await describe(link, id) : before).status.name.toLowerCase();
        if (json) printJson({ workflowId: id, status });
        else if (!ran) say(`run ${id} has ended already: ${status}`);
        else
          say(
            `run ${id}: ` +
              `${status}${
                status === 'completed'
                  ? ' before it could be cancelled'
                  : `. \`rapt resume ${id}\` goes ` + 'on from what it has'
              }`,
          );
      }),
    );

  const resume = program
    .command('resume')
    .description(
      'go on with a run that failed, timed out, was cancelled or terminated, or whose version of the code has no ' +
        'worker any more, as a new run that takes over release and checkpoint',
    )
    .argument('<id>')
    .option('--id <id>', 'name of the new run; default: that of the one before with the next number, as in nightly-r2')
    .addOption(forgottenTenant())
    .addOption(byPolicyOption())
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(resume)
    .addHelpText('after', '\nExample: rapt resume nightly --wait')
    .action((from: string, { id, tenant, ...options }: NextRun & StartingOptions) =>
      begin(id ?? nextId(from), options, (link) => planResumption(link, from, { id, tenant })),
    );

  const extend = program
    .command('extend')
    .description(
      'train a completed run for more epochs, as a new run that takes over its release and its last checkpoint',
    )
    .argument('<id>')
    .requiredOption('--epochs <number>', 'epochs to add')
    .option('--id <id>', 'name of the new run; default: that of the one before with the next number, as in nightly-r2')
    .addOption(forgottenTenant())
    .addOption(byPolicyOption())
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(extend)
    .addHelpText(
      'after',
      '\nThe added epochs have a rise and a fall of the learning rate of their own. Example: rapt extend nightly ' +
        '--epochs 3 --wait',
    )
    .action((from: string, { epochs, id, tenant, ...options }: NextRun & StartingOptions & { epochs: string }) =>
      begin(id ?? nextId(from), options, (link) =>
        planExtension(link, from, wholeNumberOf('--epochs', epochs), { id, tenant }),
      ),
    );
}

function update(
  id: string,
  name: string,
  { json }: { json?: true },
  told: (progress: RunProgress) => string,
): Promise<void> {
  return withTemporal(async (link) => {
    const progress = await sendUpdate(link, id, name);
    if (json) printJson({ workflowId: id, ...progress });
    else say(`run ${id} ${told(progress)}`);
  });
}

/** @throws BadInput when the environment names other servers. */
function startLocally({ tenant }: TuningConfig): ReturnType<typeof up> {
  if (namedTemporal() !== null)
    throw new BadInput([
      {
        where: '--up',
        problem:
          'starts servers on this machine, and the environment names others (RAPT_TEMPORAL_ADDRESS); leave one of ' +
          'the two out',
      },
    ]);
  return up({ tenant, say: (line) => say(dim(line)) });
}

/** Starts what is planned, or attaches to it, and waits for it when that is asked for. @throws BadInput, before
 *  anything is asked, when nothing can be called so. */
async function begin(
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
