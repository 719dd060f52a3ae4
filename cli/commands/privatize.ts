/** privatize: the method alone, without any server. */
import type { Command } from 'commander';
import { DEFAULT_BACKBONE, BadInput } from '../../contracts/index.ts';
import { DEFAULT_ETAS, TABLE_FORMATS } from '../options/common-options.ts';
import { mechanismOf, numberOf, rateOf, tenantNameOf, wholeNumberOf } from '../options/values.ts';
import { stoppable } from '../terminal/interruption.ts';
import { percent, print, printJson, say, table as formatTable } from '../terminal/output.ts';

interface PrivatizeOptions {
  in: string;
  out: string;
  mechanism: string;
  eta?: string;
  targetUnchanged?: string;
  backbone: string;
  textColumn: string;
  pairColumn?: string;
  labelColumn?: string;
  maxTokens: string;
  tenant: string;
  json?: true;
}

const HELP = `
The output is a release of its own: the ledger counts it against the budgets (\`rapt ledger\`).
Example: rapt privatize --in notes.csv --out notes.noisy.csv --text-column note --target-unchanged 0.3`;

export function addTo(program: Command): void {
  program
    .command('privatize')
    .description('privatize a table on this machine; no server is needed')
    .requiredOption('--in <file>', TABLE_FORMATS)
    .requiredOption('--out <file>', '.csv, or .jsonl with the token ids')
    .option('--mechanism <name>', 'exponential or laplace', 'exponential')
    .option('--eta <number>', DEFAULT_ETAS)
    .option('--target-unchanged <rate>', 'choose eta so that this share of public tokens stays itself')
    .option('--backbone <name>', 'model folder, or name', DEFAULT_BACKBONE)
    .option('--text-column <name>', 'column of the texts', 'text')
    .option('--pair-column <name>', 'second text of a pair task')
    .option('--label-column <name>', 'copied as it is; by default labels are left out')
    .option('--max-tokens <number>', 'tokens kept of each row', '64')
    .option('--tenant <name>', 'in whose ledger it is entered', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(privatize);
}

/** A batch and its clean-up take a part of it. */
const STOP_MS = 8000;

const privatize = (options: PrivatizeOptions): Promise<void> =>
  stoppable(
    'nothing was written, and nothing was spent',
    (signal) => privatizeInto(options, signal),
    STOP_MS,
    'it did not stop in time; the same command again takes up what it has paid for',
  );

async function privatizeInto(options: PrivatizeOptions, signal: AbortSignal): Promise<void> {
  const name = mechanismOf(options.mechanism);
  const eta = numberOf('--eta', options.eta);
  const targetUnchanged = rateOf('--target-unchanged', options.targetUnchanged);
  const maxTokens = wholeNumberOf('--max-tokens', options.maxTokens);
  const tenant = tenantNameOf('--tenant', options.tenant);
  if (eta !== undefined && targetUnchanged !== undefined)
    throw new BadInput([{ where: '--target-unchanged', problem: 'give either this or --eta, not both' }]);
  const { outputProblem, privatize: privatizeTable } = await import('../../rapt/client/index.ts');
  const problem = outputProblem(options.out);
  if (problem !== null) throw new BadInput([{ where: '--out', problem: `${options.out} ${problem}` }]);
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { createMechanismInTurns, explainGuarantee } = await import('../../rapt/privacy/index.ts');
  const backbone = await openBackbone(options.backbone);
  const mechanism = await createMechanismInTurns({ name, eta, targetUnchanged, ...backbone }, signal);
  const start = performance.now();
  let toldAt = start;
  const { rows, tokens, unchangedRate } = await privatizeTable({
    input: options.in,
    output: options.out,
    columns: { text: options.textColumn, pair: options.pairColumn, label: options.labelColumn },
    backbone,
    mechanism,
    maxTokens,
    tenant,
    signal,
    onProgress: (done) => {
      const now = performance.now();
      if (now - toldAt < 2000) return;
      toldAt = now;
      say(`${done.rows} rows, ${Math.round(done.tokens / ((now - start) / 1000))} tokens/s`);
    },
  });
  const tokensPerSecond = Math.round(tokens / ((performance.now() - start) / 1000));
  // ru_maxrss is in KiB on Linux.
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  if (options.json) {
    printJson({ rows, tokens, mechanism: name, eta: mechanism.eta, unchangedRate, tokensPerSecond, peakRssBytes });
    return;
  }
  print(
    formatTable([
      ['rows', String(rows)],
      ['tokens', String(tokens)],
      ['mechanism', `${name}, eta ${mechanism.eta}`],
      ['unchanged', percent(unchangedRate)],
      ['speed', `${tokensPerSecond} tokens/s, peak memory ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB`],
      ['output', options.out],
    ]),
  );
  for (const sentence of explainGuarantee(mechanism.guarantee)) print(`\n${sentence}`);
}
