/** start, run, watch, show, cancel, resume: tuning runs. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { ErrorKind, parseTuningConfig, RaptError, WORKFLOW_TYPE, type TuningConfig, type TuningResult } from '../../contracts/index.ts';
import { homeFolder, up } from '../../infra/index.ts';
import { loadConfig } from '../config.ts';
import { EXIT } from '../exit-codes.ts';
import { follow, sayFailure } from '../follow.ts';
import { bold, dim, green, percent, print, printJson, red, say, table } from '../output.ts';
import { describe, inputOf, queryProgress, startOrAttach, withTemporal, type Link } from '../temporal.ts';
import { sayComponents } from './stack.ts';

const collect = (value: string, before: string[]): string[] => [...before, value];

interface RunOptions {
  file?: string;
  set: string[];
  gate: string[];
  id?: string;
  wait?: true;
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
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', "\nExample: rapt run -f tuning.yaml --set tuning.epochs=3 --gate 'accuracy>=0.7' --id pr-17 --wait --json")
    .action(({ file, set, gate, id, wait, json }: RunOptions) =>
      withTemporal(async (link) => {
        const config = await loadConfig({ file, set, gate }, link.services.stack === 'local');
        await begin(link, { id: id ?? newId('run'), config, wait: wait === true, json: json === true });
      }),
    );

  program
    .command('watch')
    .description('show how a run gets on, until it ends')
    .argument('<id>')
    .option('--json', 'print the result as one JSON object')
    .action((id: string, { json }: { json?: true }) =>
      withTemporal(async (link) => {
        await describe(link, id);
        await wait(link, id, await tenantOf(link, id), json === true);
      }),
    );

  program
    .command('show')
    .description('what a run is doing now')
    .argument('<id>')
    .option('--json', 'print one JSON object')
    .action((id: string, { json }: { json?: true }) =>
      withTemporal(async (link) => {
        const { status } = await describe(link, id);
        const progress = await queryProgress(link.client.workflow.getHandle(id));
        const state = { workflowId: id, status: status.name.toLowerCase(), ...progress };
        if (json) { printJson(state); return; }
        print(table(Object.entries(state).flatMap(([name, value]) => (value === null || Array.isArray(value) ? [] : [[name, String(value)]]))));
        if (progress === null) say('no control worker answered; `rapt up` starts one');
      }),
    );

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
    .description('go on with a run that failed, was cancelled or terminated, as a new run that takes over release and checkpoint')
    .argument('<id>')
    .option('--wait', 'wait for the end and show the progress')
    .option('--json', 'print one JSON object on stdout')
    .action((id: string, { wait: waits, json }: { wait?: true; json?: true }) =>
      withTemporal(async (link) => {
        const { status } = await describe(link, id);
        if (status.name === 'RUNNING') {
          say(`run ${id} is running; nothing to resume`);
          if (waits) await wait(link, id, await tenantOf(link, id), json === true);
          return;
        }
        if (status.name === 'COMPLETED') throw new RaptError(ErrorKind.badInput, `run ${id} has completed; \`rapt report --run ${id}\` shows its report`);
        const parsed = parseTuningConfig({ ...(await inputOf(link, id)), resumeFrom: id });
        if (!parsed.ok) throw new RaptError(ErrorKind.badInput, `run ${id} was started with an input that is not valid; start a new one with \`rapt run\``);
        await begin(link, { id: nextId(id), config: parsed.value, wait: waits === true, json: json === true });
      }),
    );
}

const newId = (kind: string): string => `${kind}-${new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}-${randomBytes(2).toString('hex')}`;

/** "nightly" -> "nightly-r2" -> "nightly-r3". */
export function nextId(id: string): string {
  const [, base = id, number] = /^(.*)-r(\d+)$/.exec(id) ?? [];
  return `${base}-r${number === undefined ? 2 : Number(number) + 1}`;
}

async function tenantOf(link: Link, id: string): Promise<string> {
  const { tenant } = await inputOf(link, id);
  return typeof tenant === 'string' ? tenant : 'local';
}

async function begin(link: Link, o: { id: string; config: TuningConfig; wait: boolean; json: boolean }): Promise<void> {
  if (o.wait) return startAndWait(link, o);
  const { handle, attached } = await startOrAttach(link, WORKFLOW_TYPE.tuning, o.id, o.config);
  if (o.json) printJson({ workflowId: handle.workflowId, attached });
  else say(`${attached ? 'run exists already' : 'started'}: ${handle.workflowId}\n\`rapt watch ${handle.workflowId}\` shows it`);
}

async function startAndWait(link: Link, { id, config, json }: { id: string; config: TuningConfig; json: boolean }): Promise<void> {
  const { attached } = await startOrAttach(link, WORKFLOW_TYPE.tuning, id, config);
  say(attached ? `run ${bold(id)} exists already; its progress follows` : `started run ${bold(id)}`);
  await wait(link, id, config.tenant, json);
}

async function wait(link: Link, id: string, tenant: string, json: boolean): Promise<void> {
  const followed = await follow(link, link.client.workflow.getHandle(id), tenant);
  process.exitCode = followed.exitCode;
  if (followed.result === null) {
    sayFailure(followed);
    if (json) printJson({ workflowId: id, status: followed.exitCode === EXIT.interrupted ? 'running' : 'failed', error: followed.message });
  } else if (json) printJson(followed.result);
  else printResult(followed.result, link.services.temporal.uiUrl);
}

function printResult({ workflowId, metrics, privacy, gates, adapter, release, report, resumed, timing }: TuningResult, uiUrl: string | null): void {
  const { accuracy, majorityRate, f1, n, reconstruction } = metrics.test;
  const seconds = Object.values(timing).reduce((sum, part) => sum + part, 0);
  const rows: [string, string][] = [
    ['run', workflowId],
    ['accuracy', `${percent(accuracy)} of ${n} held-out texts (macro F1 ${f1.toFixed(3)})`],
    ['majority rate', percent(majorityRate)],
    ...(reconstruction === null ? [] : [['reconstruction', `${percent(reconstruction.accuracy)} of ${reconstruction.n} plain tokens`] as [string, string]]),
    ['mechanism', privacy.eta === null ? `${privacy.mechanism}: the texts left in plain tokens` : `${privacy.mechanism}, eta ${privacy.eta}; ${percent(privacy.unchangedRate)} of the tokens stayed themselves`],
    ['release', `${release.uri}${release.reused ? ' (drawn by an earlier run)' : ''}`],
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
