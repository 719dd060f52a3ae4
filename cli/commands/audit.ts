/** audit: attacks on a release, or on a table that was privatized. */
import { Option, type Command } from 'commander';
import {
  ATTACKS,
  BadInput,
  DEFAULT_BACKBONE,
  DEFAULT_ETA,
  ErrorKind,
  RaptError,
  type Attack,
  type AuditResult,
} from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { auditTables } from '../audit-tables.ts';
import { stoppable } from '../terminal/interruption.ts';
import { tenantOfRun } from '../runs/known-run.ts';
import { DEFAULT_ETAS } from '../options/common-options.ts';
import { wholeNumberOf } from '../options/values.ts';
import { print, printJson, say } from '../terminal/output.ts';

interface AuditOptions {
  run?: string;
  in?: string;
  released?: string;
  tenant?: string;
  mechanism: 'exponential' | 'laplace';
  eta?: string;
  backbone: string;
  textColumn: string;
  attacks?: string;
  maxTokens: string;
  json?: true;
}

/** An attack that is broken off leaves nothing, so it need not be waited for. */
const STOP_MS = 1000;

const HELP = `
Example: rapt audit --run nightly
         rapt privatize --in notes.csv --out notes.jsonl && rapt audit --in notes.csv --released notes.jsonl`;

export function addTo(program: Command): void {
  program
    .command('audit')
    .description('attack a release with the plain text at hand, to tell what an adversary gets; needs no server')
    .option('--run <id>', 'the release of a finished run of this client; its tables must still be where they were')
    .option('--in <file>', 'a table, with --released')
    .option('--released <file>', 'what `rapt privatize` made of it, as .jsonl')
    .option('--tenant <name>', "with --run; default: the run's")
    .addOption(
      new Option('--mechanism <name>', 'with --in: what it was privatized by')
        .choices(['exponential', 'laplace'])
        .default('exponential'),
    )
    .option('--eta <number>', `with --in; ${DEFAULT_ETAS}`)
    .option('--backbone <name>', 'with --in: model folder, or name', DEFAULT_BACKBONE)
    .option('--text-column <name>', 'with --in', 'text')
    .option('--attacks <list>', `some of ${ATTACKS.join(',')}; default: all`)
    .option('--max-tokens <number>', 'tokens that are attacked', '20000')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(audit);
}

async function audit(options: AuditOptions): Promise<void> {
  const attacks = attacksOf(options.attacks);
  const maxTokens = wholeNumberOf('--max-tokens', options.maxTokens);
  const { run } = options;
  const result = await stoppable(
    'nothing was told',
    (signal) =>
      run !== undefined
        ? auditRun(options, run, attacks, maxTokens, signal)
        : auditTable(options, attacks, maxTokens, signal),
    STOP_MS,
  );
  if (options.json) printJson(result);
  else print(auditTables(result));
}

function attacksOf(list: string | undefined): Attack[] {
  if (list === undefined) return [...ATTACKS];
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(ATTACKS as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new BadInput([
      { where: '--attacks', problem: `${unknown.join(', ')}: no such attack; there are ${ATTACKS.join(', ')}` },
    ]);
  return names as Attack[];
}

const told = (attack: string): void => say(`attack: ${attack}`);

async function auditRun(
  { tenant: given }: AuditOptions,
  run: string,
  attacks: Attack[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<AuditResult> {
  const { findRelease, readRunRecord } = await import('../../activities/client/index.ts');
  const { attackRelease } = await import('../../rapt/client/index.ts');
  const home = clientHome();
  const tenant = tenantOfRun(run, given);
  const { config, result } = readRunRecord(home, tenant, run);
  const folder = await findRelease(home, tenant, result.release.sha256);
  if (folder === null)
    throw new RaptError(ErrorKind.notFound, `the release of run ${run} is not on this client any more`);
  return attackRelease(folder, { ...config, audit: { ...config.audit, attacks, maxTokens } }, told, signal);
}

async function auditTable(
  options: AuditOptions,
  attacks: Attack[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<AuditResult> {
  if (options.in === undefined || options.released === undefined)
    throw new BadInput([{ where: 'rapt audit', problem: 'give either --run, or --in with --released' }]);
  const eta = options.eta === undefined ? DEFAULT_ETA[options.mechanism] : Number(options.eta);
  if (!(eta > 0)) throw new BadInput([{ where: '--eta', problem: `must be a positive number, not "${options.eta}"` }]);
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { attack } = await import('../../rapt/client/index.ts');
  const { in: input, released, textColumn, mechanism: name } = options;
  return attack({
    input,
    released,
    textColumn,
    backbone: await openBackbone(options.backbone),
    mechanism: { name, eta },
    attacks,
    maxTokens,
    onAttack: told,
    signal,
  });
}
