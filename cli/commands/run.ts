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
  type TuningResult,
} from '../../contracts/index.ts';
import { homeFolder, up } from '../../infra/index.ts';
import { loadConfig } from '../config.ts';
import { follow, sayFailure } from '../follow.ts';
import { bold, dim, green, percent, print, printJson, red, say, table } from '../output.ts';
import { abandonedVersion, describe, inputOf, sendUpdate, startOrAttach, tenantOf, withTemporal, type Link } from '../temporal.ts';
import { sayComponents } from './stack.ts';

const collect = (value: string, before: string[]): string[] => [...before, value];

interface RunOptions {
  file?: string;
  set: string[];
  gate: string[];
  id?: string;
  wait?: true;
  timeout?: string;
  json?: true;
}

export function addRunCommands(program: Command): void {
  program
    .command('start')
    .description('start everything, tune on the built-in data, and show what came out')
    .option('--set <field=value>', 'change a setting, such as tuning.epochs=2', collect, [])
    .action(async ({ set }: { set: string[] }) => {
      const config = await loadConfig({ set }, true);
      const { temporal } = await up({ say: (line) => say(dim(line)) });
      say(`Temporal UI: ${temporal.uiUrl}`);
      await withTemporal(async (link) => {
        await startAndWait(link, { id: newId('start'), config, json: false });
      });
      say('\nThese processes stay, for the next run; `npm run rapt -- down` ends them:');
      sayComponents();
    });

  program
    .command('run')
    .description('start a tuning run; with no file, the default one')
    .option('-f, --file <path>', 'configuration in JSON or YAML; "-" reads standard input')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option('--gate <condition>', "fail with exit code 3 unless it holds, such as 'accuracy>=0.7'; may be repeated", collect, [])
    .option('--id <id>', 'name of the run; a name that exists attaches to that run')
    .option('--wait', 'wait for the end and show the progress')
    .option('--timeout <duration>', TIMEOUT_HELP)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', "\nExample: rapt run -f tuning.yaml --set tuning.epochs=3 --gate 'accuracy>=0.7' --id pr-17 --wait --json")
    .action(({ file, set, gate, id, wait, timeout, json }: RunOptions) =>
      withTemporal(async (link) => {
        const config = await loadConfig({ file, set, gate }, link.services.stack === 'local');
        await begin(link, { id: id ?? newId('run'), config, wait: wait === true, json: json === true, timeoutMs: durationOf(timeout) });
      }),
    );

  program
    .command('watch')
    .description('show how a run gets on, until it ends')
    .argument('<id>')
    .option('--timeout <duration>', TIMEOUT_HELP)
    .option('--json', 'print the result as one JSON object')
    .action((id: string, { json, timeout }: { json?: true; timeout?: string }) =>
      withTemporal(async (link) => {
        await describe(link, id);
        await wait(link, id, await tenantOf(link, id), { json: json === true, timeoutMs: durationOf(timeout) });
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
    .action((id: string, options: { json?: true }) => update(id, CONTINUE_UPDATE, options, ({ stage }) => `goes on with stage ${stage}. \`rapt watch ${id}\` shows it`));

  program
    .command('cancel')
    .description('end a run; its release and its checkpoints stay, and `rapt resume` goes on from them')
    .argument('<id>')
    .action((id: string) =>
      withTemporal(async (link) => {
        const { status } = await describe(link, id);
        if (status.name !== 'RUNNING') { say(`run ${id} has ended already: ${status.name.toLowerCase()}`); return; }
        const handle = link.client.workflow.getHandle(id);
        await handle.cancel();
        await handle.result().catch(() => undefined);
        const after = await describe(link, id);
        say(`run ${id}: ${after.status.name.toLowerCase()}. \`rapt resume ${id}\` goes on from what it has`);
      }),
    );

  program
    .command('resume')
    .description('go on with a run that failed, timed out, was cancelled or terminated, or whose version of the code has no worker any more, as a new run that takes over release and checkpoint')
    .argument('<id>')
    .option('--wait', 'wait for the end and show the progress')
    .option('--timeout <duration>', TIMEOUT_HELP)
    .option('--json', 'print one JSON object on stdout')
    .action((id: string, { wait: waits, timeout, json }: { wait?: true; timeout?: string; json?: true }) =>
      withTemporal(async (link) => {
        const options = { wait: waits === true, json: json === true, timeoutMs: durationOf(timeout) };
        const { status } = await describe(link, id);
        if (status.name === 'COMPLETED') throw new RaptError(ErrorKind.badInput, `run ${id} has completed; \`rapt report --run ${id}\` shows its report, and \`rapt extend ${id} --epochs N\` trains on`);
        if (status.name === 'RUNNING') {
          const buildId = await abandonedVersion(link, id);
          if (buildId === null) {
            say(`run ${id} is running; nothing to resume`);
            if (options.wait) await wait(link, id, await tenantOf(link, id), options);
            return;
          }
          await link.client.workflow.getHandle(id).terminate(`resumed by ${nextId(id)}: no worker runs version ${buildId}`);
          say(`run ${id} belongs to version ${buildId} of the workflows, which no worker runs any more; it was ended`);
        }
        await begin(link, { id: nextId(id), config: await resumption(link, id), ...options });
      }),
    );

  program
    .command('extend')
    .description('train a completed run for more epochs, as a new run that takes over its release and its last checkpoint')
    .argument('<id>')
    .requiredOption('--epochs <number>', 'epochs to add')
    .option('--wait', 'wait for the end and show the progress')
    .option('--timeout <duration>', TIMEOUT_HELP)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nThe added epochs have a rise and a fall of the learning rate of their own. Example: rapt extend nightly --epochs 3 --wait')
    .action((id: string, { epochs, wait: waits, timeout, json }: { epochs: string; wait?: true; timeout?: string; json?: true }) =>
      withTemporal(async (link) => {
        const more = Number(epochs);
        if (!Number.isInteger(more) || more < 1) throw new RaptError(ErrorKind.badInput, `--epochs: must be a whole number from 1, not "${epochs}"`);
        const { status } = await describe(link, id);
        if (status.name !== 'COMPLETED') throw new RaptError(ErrorKind.badInput, `run ${id} has not completed (${status.name.toLowerCase()}); \`rapt resume ${id}\` brings it to its end first`);
        const config = await resumption(link, id);
        const extensions = [...config.tuning.extensions, more];
        await begin(link, { id: nextId(id), config: { ...config, tuning: { ...config.tuning, extensions } }, wait: waits === true, json: json === true, timeoutMs: durationOf(timeout) });
      }),
    );
}

const TIMEOUT_HELP = 'with --wait: stop waiting after this time, such as 90m or 2h, with exit code 4; the run goes on';

/** Milliseconds of "90s", "20m" or "2h". */
function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) throw new RaptError(ErrorKind.badInput, `--timeout: must be a time such as 90s, 20m or 2h, not "${text}"`);
  return Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}

function update(id: string, name: string, { json }: { json?: true }, told: (progress: RunProgress) => string): Promise<void> {
  return withTemporal(async (link) => {
    const progress = await sendUpdate(link, id, name);
    if (json) printJson({ workflowId: id, ...progress });
    else say(`run ${id} ${told(progress)}`);
  });
}

/** The configuration of an earlier run, with that run and those that it resumed itself as places to go on from. */
async function resumption(link: Link, id: string): Promise<TuningConfig> {
  const parsed = parseTuningConfig(await inputOf(link, id));
  if (!parsed.ok) throw new RaptError(ErrorKind.badInput, `run ${id} was started with an input that is not valid; start a new one with \`rapt run\``);
  return { ...parsed.value, resumeFrom: [id, ...parsed.value.resumeFrom].slice(0, 100) };
}

const newId = (kind: string): string => `${kind}-${new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}-${randomBytes(2).toString('hex')}`;

/** "nightly" -> "nightly-r2" -> "nightly-r3". */
export function nextId(id: string): string {
  const [, base = id, number] = /^(.*)-r(\d+)$/.exec(id) ?? [];
  return `${base}-r${number === undefined ? 2 : Number(number) + 1}`;
}

interface Waiting {
  readonly json: boolean;
  readonly timeoutMs?: number | undefined;
}

async function begin(link: Link, o: { id: string; config: TuningConfig; wait: boolean } & Waiting): Promise<void> {
  if (o.wait) return startAndWait(link, o);
  const { handle, attached } = await startOrAttach(link, WORKFLOW_TYPE.tuning, o.id, o.config);
  if (o.json) printJson({ workflowId: handle.workflowId, attached });
  else say(`${attached ? 'run exists already' : 'started'}: ${handle.workflowId}\n\`rapt watch ${handle.workflowId}\` shows it`);
}

async function startAndWait(link: Link, { id, config, ...waiting }: { id: string; config: TuningConfig } & Waiting): Promise<void> {
  const { attached } = await startOrAttach(link, WORKFLOW_TYPE.tuning, id, config);
  say(attached ? `run ${bold(id)} exists already; its progress follows` : `started run ${bold(id)}`);
  await wait(link, id, config.tenant, waiting);
}

async function wait(link: Link, id: string, tenant: string, { json, timeoutMs }: Waiting): Promise<void> {
  const followed = await follow(link, link.client.workflow.getHandle(id), tenant, timeoutMs);
  process.exitCode = followed.exitCode;
  if (followed.result === null) {
    sayFailure(followed);
    if (json) printJson({ workflowId: id, status: followed.ended ? 'failed' : 'running', error: followed.message });
  } else if (json) printJson(followed.result);
  else printResult(followed.result, link.services.temporal.uiUrl);
}

function printResult({ workflowId, metrics, privacy, audit, gates, adapter, release, report, resumed, timing }: TuningResult, uiUrl: string | null): void {
  const { accuracy, majorityRate, f1, n, reconstruction } = metrics.test;
  const seconds = Object.values(timing).reduce((sum, part) => sum + part, 0);
  const rows: [string, string][] = [
    ['run', workflowId],
    ['accuracy', `${percent(accuracy)} of ${n} held-out texts (macro F1 ${f1.toFixed(3)})`],
    ['majority rate', percent(majorityRate)],
    ...(reconstruction === null ? [] : [['reconstruction', `${percent(reconstruction.accuracy)} of ${reconstruction.n} plain tokens`] as [string, string]]),
    ['mechanism', privacy.eta === null ? `${privacy.mechanism}: the texts left in plain tokens` : `${privacy.mechanism}, eta ${privacy.eta}; ${percent(privacy.unchangedRate)} of the tokens stayed themselves`],
    ...(audit.attacks ?? []).map(({ attack, success, priorOnly }): [string, string] => [`attack ${attack}`, `${percent(success.value)} of the tokens, ${percent(priorOnly.value)} without the release`]),
    ['release', `${release.uri}${release.reused ? ' (drawn by an earlier run; nothing was spent again)' : ''}`],
    ['adapter', adapter.uri],
    ['adapter sha256', adapter.sha256],
    ['report', report.path],
    ...(resumed === null ? [] : [['resumed', resumed] as [string, string]]),
    ['time', `${seconds.toFixed(0)} s (${Object.entries(timing).map(([stage, part]) => `${stage} ${part.toFixed(0)}`).join(', ')})`],
    ['client home', homeFolder()],
    ...(uiUrl === null ? [] : [['Temporal UI', `${uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}`] as [string, string]]),
  ];
  print(table(rows));
  for (const { gate, value, passed } of gates) print(`gate ${gate}: ${value === null ? 'not measured' : value.toFixed(4)} ${passed ? green('passed') : red('missed')}`);
}
