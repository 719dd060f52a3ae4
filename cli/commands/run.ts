/** start, run, watch, pause, continue, cancel, resume, extend: tuning runs. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import {
  CONTINUE_UPDATE,
  ErrorKind,
  parseTuningConfig,
  PAUSE_UPDATE,
  RaptError,
  WORKFLOW_TYPE,
  type RunProgress,
  type TuningConfig,
} from '../../contracts/index.ts';
import { up } from '../../infra/index.ts';
import { RAPT_COMMAND } from '../../system/index.ts';
import { loadConfig } from '../config.ts';
import { dim, printJson, say } from '../output.ts';
import { abandonedVersion, describe, inputOf, sendUpdate, startOrAttach, withTemporal, type Link } from '../temporal.ts';
import { addWaitOptions, askedRun, refuseUnlessWaiting, Waiting, type WaitOptions } from '../waiting.ts';
import { sayComponents } from './stack.ts';

const collect = (value: string, before: string[]): string[] => [...before, value];

interface RunOptions extends WaitOptions {
  readonly file?: string;
  readonly set: string[];
  readonly gate: string[];
  readonly baseline?: string;
  readonly id?: string;
  readonly resume?: true;
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
      const { temporal } = await up({ say: (line) => say(dim(line)) });
      say(`Temporal UI: ${temporal.uiUrl}`);
      const id = newId('start');
      await Waiting.during(id, { onInterrupt: 'leave', ...(json && { json }) }, (link, waiting) => waiting.start(link, id, config));
      say(`\nThese processes stay, for the next run; \`${RAPT_COMMAND} down\` ends them:`);
      sayComponents();
    });

  const run = program
    .command('run')
    .description('start a tuning run; with no file, the default one')
    .option('-f, --file <path>', 'configuration in JSON or YAML; "-" reads standard input')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option('--gate <condition>', "fail with exit code 3 unless it holds, such as 'accuracy>=0.7'; may be repeated", collect, [])
    .option('--baseline <id>', "a finished run that gates compare with: 'accuracy >= baseline - 0.01'")
    .option('--id <id>', 'name of the run; a name that exists attaches to that run')
    .option('--resume', 'when the run of this name ended without a result, go on with it as a new run, from its checkpoint')
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(run)
    .addHelpText('after', "\nExample: rapt run -f tuning.yaml --set tuning.epochs=3 --gate 'accuracy>=0.7' --id pr-17 --wait --json --junit junit.xml")
    .action(({ file, set, gate, baseline, id = newId('run'), resume, ...options }: RunOptions) =>
      begin(id, options, async (link) => {
        const config = await loadConfig({ file, set, gate, baseline }, link.services.stack === 'local');
        return resume ? { config, ...(await successorOf(link, id)) } : { config, id, before: [] };
      }),
    );

  addWaitOptions(program.command('watch').description('show how a run gets on, until it ends').argument('<id>'))
    .addHelpText('after', '\nExample: rapt watch nightly --timeout 90m')
    .action((id: string, options: WaitOptions) =>
      Waiting.during(id, options, async (link, waiting) => {
        await describe(link, id);
        await waiting.for(link, await askedRun(link, id));
      }),
    );

  program
    .command('pause')
    .description('stop the work of a run where it can go on from, and free its workers')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt pause nightly && rapt continue nightly')
    .action((id: string, options: { json?: true }) => update(id, PAUSE_UPDATE, options, ({ stage, step, totalSteps }) => `paused in stage ${stage}${totalSteps > 0 ? ` at step ${step} of ${totalSteps}` : ''}. \`rapt continue ${id}\` goes on from there`));

  program
    .command('continue')
    .description('let a paused run go on')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt continue nightly')
    .action((id: string, options: { json?: true }) => update(id, CONTINUE_UPDATE, options, ({ stage }) => `goes on with stage ${stage}. \`rapt watch ${id}\` shows it`));

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
          await handle.result().catch(() => undefined);
        }
        const status = (ran ? await describe(link, id) : before).status.name.toLowerCase();
        if (json) printJson({ workflowId: id, status });
        else say(ran ? `run ${id}: ${status}. \`rapt resume ${id}\` goes on from what it has` : `run ${id} has ended already: ${status}`);
      }),
    );

  const resume = program
    .command('resume')
    .description('go on with a run that failed, timed out, was cancelled or terminated, or whose version of the code has no worker any more, as a new run that takes over release and checkpoint')
    .argument('<id>')
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(resume)
    .addHelpText('after', '\nExample: rapt resume nightly --wait')
    .action((id: string, options: WaitOptions) =>
      begin(nextId(id), options, async (link) => {
        const { status } = await describe(link, id);
        if (status.name === 'COMPLETED') throw new RaptError(ErrorKind.badInput, `run ${id} has completed; \`rapt report --run ${id}\` shows its report, and \`rapt extend ${id} --epochs N\` trains on`);
        if (status.name === 'RUNNING') {
          const buildId = await abandonedVersion(link, id);
          if (buildId === null) {
            say(`run ${id} is running; nothing to resume`);
            return { running: id };
          }
          await link.client.workflow.getHandle(id).terminate(`resumed by ${nextId(id)}: no worker runs version ${buildId}`);
          say(`run ${id} belongs to version ${buildId} of the workflows, which no worker runs any more; it was ended`);
        }
        return { id: nextId(id), config: await earlierConfig(link, id), before: [id] };
      }),
    );

  const extend = program
    .command('extend')
    .description('train a completed run for more epochs, as a new run that takes over its release and its last checkpoint')
    .argument('<id>')
    .requiredOption('--epochs <number>', 'epochs to add')
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(extend)
    .addHelpText('after', '\nThe added epochs have a rise and a fall of the learning rate of their own. Example: rapt extend nightly --epochs 3 --wait')
    .action((id: string, { epochs, ...options }: WaitOptions & { epochs: string }) =>
      begin(nextId(id), options, async (link) => {
        const more = Number(epochs);
        if (!Number.isInteger(more) || more < 1) throw new RaptError(ErrorKind.badInput, `--epochs: must be a whole number from 1, not "${epochs}"`);
        const { status } = await describe(link, id);
        if (status.name !== 'COMPLETED') throw new RaptError(ErrorKind.badInput, `run ${id} has not completed (${status.name.toLowerCase()}); \`rapt resume ${id}\` brings it to its end first`);
        const config = await earlierConfig(link, id);
        const extensions = [...config.tuning.extensions, more];
        return { id: nextId(id), config: { ...config, tuning: { ...config.tuning, extensions } }, before: [id] };
      }),
    );
}

function update(id: string, name: string, { json }: { json?: true }, told: (progress: RunProgress) => string): Promise<void> {
  return withTemporal(async (link) => {
    const progress = await sendUpdate(link, id, name);
    if (json) printJson({ workflowId: id, ...progress });
    else say(`run ${id} ${told(progress)}`);
  });
}

/** A run to be started, with those whose checkpoints it may take over; or one that runs already. */
type Planned = { readonly id: string; readonly config: TuningConfig; readonly before: readonly string[] } | { readonly running: string };

/** Starts what is planned, or attaches to it, and waits for it when that is asked for. */
async function begin(id: string, options: WaitOptions, plan: (link: Link) => Promise<Planned>): Promise<void> {
  if (options.wait) {
    await Waiting.during(id, options, async (link, waiting) => {
      const planned = await plan(link);
      if ('running' in planned) await waiting.for(link, await askedRun(link, planned.running));
      else await waiting.start(link, planned.id, resuming(planned));
    });
    return;
  }
  refuseUnlessWaiting(options);
  await withTemporal(async (link) => {
    const planned = await plan(link);
    if ('running' in planned) return;
    const { handle, attached } = await startOrAttach(link, WORKFLOW_TYPE.tuning, planned.id, resuming(planned));
    if (options.json) printJson({ workflowId: handle.workflowId, attached });
    else say(`${attached ? 'run exists already' : 'started'}: ${handle.workflowId}\n\`rapt watch ${handle.workflowId}\` shows it`);
  });
}

const MOST_EARLIER_RUNS = 100;
const resuming = ({ config, before }: { config: TuningConfig; before: readonly string[] }): TuningConfig => ({ ...config, resumeFrom: [...before, ...config.resumeFrom].slice(0, MOST_EARLIER_RUNS) });

/** The configuration of an earlier run, with those that it resumed itself as places to go on from. */
async function earlierConfig(link: Link, id: string): Promise<TuningConfig> {
  const parsed = parseTuningConfig(await inputOf(link, id));
  if (!parsed.ok) throw new RaptError(ErrorKind.badInput, `run ${id} was started with an input that is not valid; start a new one with \`rapt run\``);
  return parsed.value;
}

/** The first of a run and its resumptions that has not ended without a result, and those before it, the latest first. */
async function successorOf(link: Link, id: string): Promise<{ id: string; before: string[] }> {
  const before: string[] = [];
  for (let next = id; ; next = nextId(next)) {
    const status = await statusOf(link, next);
    if (status === null || status === 'RUNNING' || status === 'COMPLETED') return { id: next, before };
    say(`run ${next} ended without a result: ${status.toLowerCase()}`);
    before.unshift(next);
  }
}

/** Null when there is no such run. */
function statusOf(link: Link, id: string): Promise<string | null> {
  return describe(link, id).then(
    ({ status }) => status.name,
    (error: unknown) => {
      if (error instanceof RaptError && error.kind === ErrorKind.notFound) return null;
      throw error;
    },
  );
}

const newId = (kind: string): string => `${kind}-${new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}-${randomBytes(2).toString('hex')}`;

/** "nightly" -> "nightly-r2" -> "nightly-r3". */
export function nextId(id: string): string {
  const [, base = id, number] = /^(.*)-r(\d+)$/.exec(id) ?? [];
  return `${base}-r${number === undefined ? 2 : Number(number) + 1}`;
}
