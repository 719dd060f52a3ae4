/** privacy explain: the guarantee in words, for a run, for a table that is to be tuned on, or for a choice of eta
 *  alone. */
import type { Command } from 'commander';
import {
  BadInput,
  DEFAULT_BACKBONE,
  ErrorKind,
  RaptError,
  type AuditResult,
  type Guarantee,
  type TextLengths,
} from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { quantiles } from '../../rapt/quantiles.ts';
import { auditTables } from '../audit-tables.ts';
import { tenantOfRun } from '../runs/known-run.ts';
import { DEFAULT_ETAS } from '../options/common-options.ts';
import { mechanismOf, numberOf, rateOf } from '../options/values.ts';
import { print, printJson, table } from '../terminal/output.ts';

interface ExplainOptions {
  run?: string;
  tenant?: string;
  in?: string;
  textColumn: string;
  maxTokens: string;
  mechanism: string;
  eta?: string;
  targetUnchanged?: string;
  backbone: string;
  json?: true;
}

/** What is explained. */
interface Explained {
  readonly guarantee: Guarantee;
  readonly textLengths: TextLengths | null;
  readonly audit: AuditResult | null;
}

const DESCRIPTION =
  "what a run's guarantee says, what it does not cover, and what attacks got; or what a choice of eta would mean";
const HELP = `
Examples: rapt privacy explain --run nightly
          rapt privacy explain --eta 10 --in notes.csv --text-column note`;

export function addTo(program: Command): void {
  program
    .command('privacy')
    .description('what is guaranteed, in words')
    .addHelpText('after', '\nExample: rapt privacy explain --eta 10')
    .command('explain')
    .description(DESCRIPTION)
    .option('--run <id>', 'a finished run of this client')
    .option('--tenant <name>', "default: the run's")
    .option('--in <file>', 'without --run: a table whose lengths are used; it is read and not released')
    .option('--text-column <name>', 'with --in', 'text')
    .option('--max-tokens <number>', 'with --in: tokens kept of each row', '64')
    .option('--mechanism <name>', 'exponential or laplace', 'exponential')
    .option('--eta <number>', DEFAULT_ETAS)
    .option('--target-unchanged <rate>', 'instead of --eta')
    .option('--backbone <name>', 'model folder, or name', DEFAULT_BACKBONE)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(explain);
}

async function explain(options: ExplainOptions): Promise<void> {
  const explained = await (options.run === undefined
    ? explainChoice(options)
    : explainRun(options.run, tenantOfRun(options.run, options.tenant)));
  const { explainGuarantee } = await import('../../rapt/privacy/index.ts');
  const sentences = explainGuarantee(explained.guarantee, explained.textLengths);
  if (options.json) printJson({ ...explained, sentences });
  else print(inWords(explained, sentences));
}

async function explainRun(run: string, tenant: string): Promise<Explained> {
  const { findRelease, readRunRecord } = await import('../../activities/client/index.ts');
  const { openRelease, textLengths } = await import('../../rapt/release/index.ts');
  const home = clientHome();
  const { result } = readRunRecord(home, tenant, run);
  const folder = await findRelease(home, tenant, result.release.sha256);
  const release = folder === null ? null : await openRelease(folder);
  if (folder === null || release === null)
    throw new RaptError(ErrorKind.notFound, `the release of run ${run} is not on this client any more`);
  // A run without an audit has an empty one.
  const audit = 'attacks' in result.audit ? (result.audit as AuditResult) : null;
  return { guarantee: release.manifest.guarantee, textLengths: await textLengths(folder, release.manifest), audit };
}

async function explainChoice(options: ExplainOptions): Promise<Explained> {
  const name = mechanismOf(options.mechanism);
  const eta = numberOf('--eta', options.eta);
  const targetUnchanged = rateOf('--target-unchanged', options.targetUnchanged);
  const maxTokens = numberOf('--max-tokens', options.maxTokens)!;
  if (eta !== undefined && targetUnchanged !== undefined)
    throw new BadInput([{ where: '--target-unchanged', problem: 'give either this or --eta, not both' }]);
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { createMechanism, tightestEta } = await import('../../rapt/privacy/index.ts');
  const { table: phi, outputIds, tokenizer } = await openBackbone(options.backbone);
  const mechanism = createMechanism({ name, eta, targetUnchanged, table: phi, outputIds });
  mechanism.dispose();
  const tightest =
    name === 'exponential' && mechanism.eta !== null ? await tightestEta(mechanism.eta, phi, outputIds) : null;
  const lengths: number[] = [];
  if (options.in !== undefined) {
    const { readTable } = await import('../../rapt/data/index.ts');
    for await (const { text } of readTable(options.in, { text: options.textColumn }))
      lengths.push(tokenizer.encode(text, maxTokens).length);
  }
  return {
    guarantee: { ...mechanism.guarantee, tightestEta: tightest },
    textLengths: lengths.length === 0 ? null : quantiles(lengths),
    audit: null,
  };
}

function inWords({ guarantee, textLengths, audit }: Explained, sentences: readonly string[]): string {
  const { neighbourLogRatio } = guarantee;
  const parts = [...sentences];
  if (neighbourLogRatio !== null) parts.push(`${EXPONENTS}\n${exponentTable(neighbourLogRatio, textLengths)}`);
  if (audit !== null) parts.push(`What attacks on this release got:\n${auditTables(audit)}`);
  return parts.join('\n\n');
}

const EXPONENTS = 'Largest exponent of the likelihood ratio when every token is exchanged for its nearest neighbour:';

/** @param ratio exponents of one token, as quantiles over the vocabulary. */
function exponentTable(
  { p05, p50, p95 }: NonNullable<Guarantee['neighbourLogRatio']>,
  lengths: TextLengths | null,
): string {
  const row = (name: string, tokens: number): string[] => [
    name,
    String(tokens),
    ...[p05, p50, p95].map((exponent) => (tokens * exponent).toFixed(1)),
  ];
  const rows = [['', 'tokens', 'near neighbours (5 %)', 'median', 'far ones (95 %)'], row('one token', 1)];
  if (lengths !== null)
    rows.push(
      row('a short text (5 %)', lengths.p05),
      row('a median text', lengths.p50),
      row('a long text (95 %)', lengths.p95),
    );
  return table(rows);
}
